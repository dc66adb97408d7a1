"""Adapters of the port dns: real queries (dnspython), and a memory of records for tests."""
