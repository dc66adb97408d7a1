"""The store of artifacts: written beside, synced, renamed into place; read back; removed with the layers only they used."""

import ctypes
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from canonry.core.errors import Invalid, NotFound
from canonry.core.paths import Home
from canonry.infra.files import remove_tree, sync_folder, write_atomic
from canonry.ports.builder import Artifact, Mount, Plan
from canonry.ports.plans import plan_from_json, plan_to_json

_ID = re.compile(r"art_[0-9a-f]{16,64}")
_RECORD = "artifact.json"


@dataclass(frozen=True)
class Draft:
    """An artifact that is ready in a temporary folder. layer: the folder of the dependency layer it refers to, or None."""

    id: str
    folder: Path
    plan: Plan
    mounts: Sequence[Mount]
    environment: Mapping[str, str]
    layer: Path | None


class Artifacts:
    """The artifacts of one home. Paths below the home are kept relative, so that a home can be moved."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def find(self, artifact_id: str) -> Artifact | None:
        """Return the artifact, None when it is not there (or what it refers to is gone)."""
        if not _ID.fullmatch(artifact_id):
            return None
        folder = self._home.artifacts / artifact_id
        try:
            record = json.loads((folder / _RECORD).read_bytes())
            plan = plan_from_json(record["plan"])
            mounts = tuple(Mount(self._home.root / source, target) for source, target in record["mounts"])
            artifact = Artifact(artifact_id, folder, plan, mounts, dict(record["environment"]), int(record["size_bytes"]))
        except (OSError, ValueError, KeyError, TypeError, Invalid):
            return None
        return artifact if all(mount.source.is_dir() for mount in mounts) else None

    def load(self, artifact_id: str) -> Artifact:
        """Return the artifact. Raises: NotFound `artifact_missing`."""
        if artifact := self.find(artifact_id):
            return artifact
        raise NotFound("artifact_missing", f"There is no artifact {artifact_id} on this machine.", hint="Deploy again: it is built anew.")

    def publish(self, draft: Draft) -> Artifact:
        """Put the draft into place, for good even through a power cut, and return it as an artifact."""
        target = self._home.artifacts / draft.id
        size = _size(draft.folder)
        kept = [(self._relative(mount.source, draft.folder, target), mount.target) for mount in draft.mounts]
        record = {
            "id": draft.id, "plan": plan_to_json(draft.plan), "environment": dict(draft.environment), "size_bytes": size,
            "mounts": kept,
            "layer": None if draft.layer is None else self._relative(draft.layer, draft.folder, target),
        }  # fmt: skip
        write_atomic(draft.folder / _RECORD, json.dumps(record, indent=1), sync=False)
        _sync_file_system(draft.folder)
        remove_tree(target)  # a damaged one: `find` did not take it
        draft.folder.rename(target)
        sync_folder(self._home.artifacts)
        mounts = tuple(Mount(self._home.root / source, inside) for source, inside in kept)
        return Artifact(draft.id, target, draft.plan, mounts, dict(draft.environment), size)

    def remove(self, artifact_id: str) -> Path | None:
        """Delete the artifact; return the folder of its layer's cache key, whose layers may now be unused. A link is not ours and stays."""
        if not _ID.fullmatch(artifact_id) or (self._home.artifacts / artifact_id).is_symlink():
            return None
        layer = self._layer_of(self._home.artifacts / artifact_id)
        remove_tree(self._home.artifacts / artifact_id)
        return layer.parent if layer else None

    def used_layers(self) -> set[Path]:
        """Return the folders of all layers that an artifact refers to."""
        found = {self._layer_of(folder) for folder in self._home.artifacts.glob("art_*")}
        return {layer for layer in found if layer is not None}

    def mounted(self) -> set[Path]:
        """Return the folders outside of themselves that the artifacts which are kept need to run."""
        found: set[Path] = set()
        for folder in self._home.artifacts.glob("art_*"):
            try:
                record = json.loads((folder / _RECORD).read_bytes())
                found.update(self._home.root / source for source, _ in record["mounts"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return found

    def _layer_of(self, folder: Path) -> Path | None:
        try:
            layer = json.loads((folder / _RECORD).read_bytes()).get("layer")
        except (OSError, ValueError, AttributeError):
            return None
        return self._home.root / layer if isinstance(layer, str) else None

    def _relative(self, path: Path, draft: Path, target: Path) -> str:
        """Return the path as it is kept: below the home relative to it, and what lies in the draft where it will lie."""
        if path.is_relative_to(draft):
            path = target / path.relative_to(draft)
        return os.fspath(path.relative_to(self._home.root)) if path.is_relative_to(self._home.root) else os.fspath(path)


def _size(folder: Path) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += _size(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def _sync_file_system(folder: Path) -> None:
    """Write everything of this file system to the disk: one call for thousands of files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            os.sync()
    finally:
        os.close(descriptor)
