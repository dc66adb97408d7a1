"""Entry point: the ASGI application."""
