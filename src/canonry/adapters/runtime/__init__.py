"""Ways to run instances."""
