"""Runtime logs: what the instances of a project write, read in the order of time and searched."""
