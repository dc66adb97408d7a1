"""What a snapshot of a Canonry names."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from canonry.core.errors import Conflict

FORMAT = 1


@dataclass(frozen=True)
class Part:
    """A file or folder. path: below the home. key: of the object, which is a tar. kind: artifact, layer, upload or others."""

    kind: str
    path: str
    key: str


@dataclass(frozen=True)
class BundledRepository:
    """A bare repository. bundles: keys of objects, each with what is new since those before. refs: name → commit. head: what HEAD names."""

    path: str
    head: str
    refs: Mapping[str, str]
    bundles: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """A Canonry at a moment. base: the base backup of its rows to begin with. clusters: of its databases. settings: that differ."""

    id: str
    platform: str
    at: datetime
    version: str
    base: str
    parts: tuple[Part, ...]
    repositories: tuple[BundledRepository, ...]
    clusters: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """Every object it needs, those of rows apart."""
        return {part.key for part in self.parts} | {key for repository in self.repositories for key in repository.bundles}


def to_bytes(snapshot: Snapshot) -> bytes:
    """Return the snapshot as it is kept."""
    return json.dumps({**asdict(snapshot), "at": snapshot.at.isoformat(), "format": FORMAT}).encode()


def from_bytes(raw: bytes) -> Snapshot:
    """Read it. Raises: Conflict `backup_newer` for one of a later Canonry."""
    values: dict[str, Any] = json.loads(raw)
    if values.pop("format") != FORMAT:
        raise Conflict("backup_newer", f"The backup {values.get('id')} was made by a newer Canonry ({values.get('version')}).",
                       hint="Install that version or a newer one, then restore.")  # fmt: skip
    return Snapshot(**{
        **values, "at": datetime.fromisoformat(values["at"]), "parts": tuple(Part(**part) for part in values["parts"]),
        "repositories": tuple(BundledRepository(**{**item, "bundles": tuple(item["bundles"])}) for item in values["repositories"]),
        "clusters": tuple(values["clusters"]),
    })  # fmt: skip
