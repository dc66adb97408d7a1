"""Log drains: what the instances write, sent on to somebody else's collector.

models.py    a drain, and the lines it sends         target.py    addresses that are accepted
http.py      POST of JSON                            syslog.py    RFC 5424 over TCP, TLS, UDP
service.py   made, listed, removed                   shipper.py   sends, in the background
"""
