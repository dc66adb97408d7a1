"""Ways to decide whether an organization may have one more."""
