-- Where somebody showed that they may push to the repository of a connection: only there does Canonry act as the app of the git host.

ALTER TABLE git_connections ADD COLUMN app_url text;
