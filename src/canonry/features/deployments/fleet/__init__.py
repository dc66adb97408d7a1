"""The instances that run: their rows, their health, and the watch that keeps them running."""
