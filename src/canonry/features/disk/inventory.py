"""Walks the home and says who uses how much of it."""

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from canonry.core.paths import Home
from canonry.features.disk.models import Owners, Usage
from canonry.features.disk.rules import project_of_key
from canonry.infra.usage import bytes_in

_OWN = ("toolchains", "uploads", "builds", "postgres", "mail", "backups")
_INNER = (".layers", ".drafts")  # folders of artifacts with what several of them share


def measure(home: Home, owners: Owners) -> Usage:
    """Measure everything. What belongs to no project (any more) counts as Canonry's own, under what it is."""
    found = _Sums(owners)
    found.add(home.artifacts, "artifacts", owners.artifacts.get)
    for folder in _INNER:
        found.add(home.artifacts / folder, "artifacts", project_of_key)
    found.add(home.caches, "caches", project_of_key)
    found.add(home.build_logs, "build_logs", lambda name: owners.deployments.get(name.partition(".")[0]))
    found.add(home.instance_logs, "instance_logs", lambda name: owners.instances.get(name.partition(".")[0]))
    found.add(home.repositories, "repository", lambda name: name.partition(".")[0])
    found.add(home.mirrors, "mirrors", project_of_key)
    found.add(home.databases, "database", owners.databases.get)
    found.add(home.volumes, "volumes", owners.volumes.get)
    for name in _OWN:
        found.platform[name] += bytes_in([home.root / name])
    known = {path.name for path in (home.artifacts, home.caches, home.repositories, home.mirrors, home.databases, home.volumes)}
    known |= set(_OWN)
    found.platform["other"] += bytes_in([path for path in _entries(home.root) if path.name not in known and path != home.logs])
    found.platform["other"] += bytes_in([path for path in _entries(home.logs) if path not in {home.build_logs, home.instance_logs}])
    return Usage({project: dict(kinds) for project, kinds in found.projects.items()}, {k: v for k, v in found.platform.items() if v > 0})


def measure_project(home: Home, owned: Owners, project_id: str) -> dict[str, int]:
    """Measure what one project has. owned: what is its."""
    mine = [entry for place in (home.artifacts / name for name in _INNER) for entry in _entries(place)]
    found = {
        "artifacts": [home.artifacts / name for name in owned.artifacts] + [entry for entry in mine if _is_of(entry, project_id)],
        "caches": [entry for entry in _entries(home.caches) if _is_of(entry, project_id)],
        "build_logs": [home.build_logs / f"{name}.jsonl" for name in owned.deployments],
        "instance_logs": [path for name in owned.instances for path in home.instance_logs.glob(f"{name}.*")],
        "repository": [home.repositories / f"{project_id}.git"],
        "mirrors": [entry for entry in _entries(home.mirrors) if _is_of(entry, project_id)],
        "database": [home.databases / name for name in owned.databases],
        "volumes": [home.volumes / name for name in owned.volumes],
    }
    return {kind: size for kind, paths in found.items() if (size := bytes_in(paths))}


def _is_of(entry: Path, project_id: str) -> bool:
    return project_of_key(entry.name) == project_id


class _Sums:
    def __init__(self, owners: Owners) -> None:
        self._known = owners.projects
        self.projects: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.platform: defaultdict[str, int] = defaultdict(int)

    def add(self, place: Path, kind: str, owner: Callable[[str], str | None]) -> None:
        """Add the size of each entry of a folder to what its owner has."""
        for entry in _entries(place):
            if entry.name in _INNER:
                continue
            project = owner(entry.name)
            size = bytes_in([entry])
            if project is not None and project in self._known:
                self.projects[project][kind] += size
            else:
                self.platform[kind] += size


def _entries(place: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(place)]
    except (FileNotFoundError, NotADirectoryError):
        return []
