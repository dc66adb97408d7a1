-- The commit of the tracked branch that the webhook of an outside repository told of last, and that was deployed or did not concern the project.
ALTER TABLE git_connections ADD COLUMN seen_commit text;
