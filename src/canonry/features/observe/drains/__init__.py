"""Log drains: what the instances write, sent on to somebody else's collector."""
