"""What people ask of the backups of databases: which there are, which are proven, one more now."""
