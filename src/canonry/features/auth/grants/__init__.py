"""What a session hands to programs: access tokens that live an hour, and refresh tokens that are good for one use."""
