"""Volumes as the API shows them."""

from pydantic import BaseModel, Field

from canonry.features.volumes.models import Volume


class VolumeBody(BaseModel):
    """A folder that a project keeps over its deploys."""

    id: str
    name: str
    environment: str
    path: str = Field(description="where the app sees it")
    status: str = Field(description="attached (the live release has it) or detached (kept until it is removed)")
    size_bytes: int = Field(description="how much it may hold")
    used_bytes: int = Field(description="how much it held when it was measured last")
    files: int
    full: bool = Field(description="it holds more than it may")
    measured_at: str | None
    detached_at: str | None
    created_at: str


class VolumesAnswer(BaseModel):
    """The volumes of a project."""

    volumes: list[VolumeBody]


def volume_body(volume: Volume) -> VolumeBody:
    """Return a volume as the API shows it."""
    return VolumeBody(
        id=volume.id, name=volume.name, environment=volume.environment, path=volume.path, status=volume.status,
        size_bytes=volume.size_bytes, used_bytes=volume.used_bytes, files=volume.files, full=volume.full_at is not None,
        measured_at=volume.measured_at.isoformat() if volume.measured_at else None,
        detached_at=volume.detached_at.isoformat() if volume.detached_at else None, created_at=volume.created_at.isoformat(),
    )  # fmt: skip
