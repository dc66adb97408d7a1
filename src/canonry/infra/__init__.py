"""Our own machinery: database, transactions, jobs, files, subprocesses, the sandbox. Knows no feature."""
