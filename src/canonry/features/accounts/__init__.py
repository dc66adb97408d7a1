"""People, organizations and memberships."""
