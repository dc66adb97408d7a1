"""The places in an artifact at which its volumes are mounted when it runs."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from canonry.adapters.builder.native.layers import real_folder
from canonry.ports.builder import DeclaredVolume, Mount
from canonry.ports.errors import BuildFailed


def make_mount_points(app: Path, volumes: Iterable[DeclaredVolume], mounts: Iterable[Mount]) -> None:
    """Make a folder in `app` for each volume below /app: the artifact is mounted read-only, where nothing can be made any more.

    Raises: BuildFailed `volume_conflict` when a link or a file is in the way, or what the app needs is mounted there.
    """
    targets = [PurePosixPath(mount.target) for mount in mounts]
    for volume in volumes:
        path = PurePosixPath(volume.path)
        if taken := next((target for target in targets if path.is_relative_to(target) or target.is_relative_to(path)), None):
            raise _conflict(volume, f"{taken} is needed by the app")
        if path.is_relative_to("/app") and real_folder(app, str(path.relative_to("/app"))) is None:
            raise _conflict(volume, "the source has a link or a file there")


def _conflict(volume: DeclaredVolume, reason: str) -> BuildFailed:
    return BuildFailed("volume_conflict", f"The volume {volume.name} cannot be at {volume.path}: {reason}.",
                       hint="Choose another path in canonry.toml, like /data.")  # fmt: skip
