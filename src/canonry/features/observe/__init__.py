"""Runtime logs and metrics of what runs."""
