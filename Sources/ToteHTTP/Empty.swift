// ToteHTTP
