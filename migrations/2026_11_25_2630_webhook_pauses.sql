-- After a failure a webhook gets nothing for a while, however much waits for it.

ALTER TABLE webhooks ADD COLUMN not_before timestamptz;
