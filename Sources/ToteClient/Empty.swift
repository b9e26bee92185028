// ToteClient
