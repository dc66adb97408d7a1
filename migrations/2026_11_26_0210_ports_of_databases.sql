-- On a server outside all databases have its port. Ports of this machine are given out one at a time, under a lock.
ALTER TABLE databases DROP CONSTRAINT databases_port;
