"""What a build depends on, as digests: the source tree, and the key of an artifact."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from canonry.adapters.builder.native.toolchains import Tool
from canonry.ports.builder import Plan
from canonry.ports.plans import plan_to_json

_FORMAT = "2"  # change it when what a build makes of the same input changes
_NOT_PART = frozenset({".git"})
_REMARKS = ("found", "overrides", "toolchains", "mask", "database_assert")  # they say why, or what happens elsewhere; they change nothing


def digest_tree(root: Path) -> str:
    """Return a digest of every path, executable bit, link target and content under `root`; times and owners do not count."""
    total = hashlib.sha256()
    for path, entry in _walk(root, ""):
        if entry.is_symlink():
            kind, content = b"l", os.fsencode(Path(entry.path).readlink())
        elif entry.is_dir(follow_symlinks=False):
            kind, content = b"d", b""
        elif entry.is_file(follow_symlinks=False):
            executable = entry.stat(follow_symlinks=False).st_mode & stat.S_IXUSR
            kind, content = (b"x" if executable else b"f"), _digest_file(entry.path)
        else:
            kind, content = b"?", b""
        name = os.fsencode(path)
        total.update(b"%s%d:%s%d:%s" % (kind, len(name), name, len(content), content))
    return total.hexdigest()


def artifact_id(tree: str, plan: Plan, tools: Iterable[Tool], variables_digest: str, cache_key: str) -> str:
    """Return the id of the artifact that these inputs make.

    The cache key is one of them: what another project's build made, with that project's caches, is never taken for ours.
    """
    described = {name: value for name, value in plan_to_json(plan).items() if name not in _REMARKS}
    if not plan.volumes:  # what was built before there were volumes is used again
        del described["volumes"]
    key = json.dumps(
        [_FORMAT, tree, described, [[tool.name, tool.version] for tool in tools], variables_digest or [], cache_key], sort_keys=True
    )
    return "art_" + hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:32]


def digest_files(root: Path, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return name and digest of each of these files under `root`; one that is missing or no plain file has an empty digest."""
    found = []
    for name in sorted(set(names)):
        path = root / name
        plain = path.is_file() and path.resolve().is_relative_to(root.resolve())
        found.append((name, _digest_file(os.fspath(path)).hex() if plain else ""))
    return found


def _walk(folder: Path | str, prefix: str) -> Iterable[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if not prefix and entry.name in _NOT_PART:
            continue
        yield prefix + entry.name, entry
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")


def _digest_file(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 -- half the time of Path.open on thousands of files
        return hashlib.file_digest(file, "sha256").digest()
