// ToteCommandLine
