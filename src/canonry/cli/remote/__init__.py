"""Commands that speak HTTP to a Canonry: one module for each noun."""
