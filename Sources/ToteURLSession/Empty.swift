// ToteURLSession
