// ToteSQLite
