// ToteConcurrency
