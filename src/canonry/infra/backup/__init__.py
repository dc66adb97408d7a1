"""Backups of a PostgreSQL: no HTTP, no tables; everything is told where it works by its arguments.

seal.py       compressed, encrypted, and every fault found: how everything lies in the archive
key.py        the key of the archive
wal.py        segments from a cluster's spool to the archive, and gaps       wal_reading.py  what is in segments: when, how far
base.py       base backups, full and incremental: taking, finding           counting.py     row counts at one exact point
reader.py     a login that may only read, which counts them
restoring.py  a data folder as it was at a moment                           dump.py         logical dumps
retention.py  what may go                                                   tar_scanner.py  a look into a tar that passes by
"""
