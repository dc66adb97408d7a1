"""The process that clients of databases connect to: it forwards, and holds a connection while its database cannot be reached.

main.py      entry point; how it is told things   links.py      one client and its server, as a state machine
doors.py     listening sockets, as the table says  messages.py   the first messages of PostgreSQL's protocol
table.py     files that say what is behind a port  waking.py     asks for a database to be started
loop.py      sockets and timers                    encryption.py TLS for those from outside

It runs for months beside Canonry, one for each home, so it imports nothing but the few parts of the standard library that it needs
(a test looks), and nothing of Canonry outside this folder.
"""
