"""Background entry points: each takes the container and ids."""

from canonry.features.volumes import folders
from canonry.features.volumes.context import Context


def clear_volume(context: Context, volume_id: str) -> None:
    """Delete the folder of a removed volume."""
    folders.remove(context.home, [volume_id])
