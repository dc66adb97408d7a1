"""HTTP client for Canonry's public API. Remote commands use nothing else."""
