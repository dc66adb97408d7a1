"""Entry point: the job loop."""
