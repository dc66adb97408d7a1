"""Ways to count calls."""
