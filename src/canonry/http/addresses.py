"""Our own address, as whoever asks us sees it."""

from fastapi import Request


def own_origin(request: Request) -> str:
    """Return scheme, host and port of this Canonry, like `https://canonry.example.com`: the edge passes on what is for this host only."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"
