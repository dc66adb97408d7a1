"""Commands that work on the specs of a checkout: no server, no network."""
