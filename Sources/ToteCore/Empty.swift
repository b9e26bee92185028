// ToteCore
