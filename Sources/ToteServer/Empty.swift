// ToteServer
