"""Commands that run on the machine itself: up, down, serve, status, doctor."""
