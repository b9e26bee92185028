// ToteService
