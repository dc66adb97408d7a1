"""Background entry points: each takes the container and ids."""

from canonry.features.previews import service
from canonry.features.previews.context import Context


def close_preview(context: Context, preview_id: str, version: str, reason: str) -> None:
    """Remove a preview, unless it was brought up to date since `version`."""
    service.close(context, preview_id, reason, version=version)
