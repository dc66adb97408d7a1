"""Dependency layers: what an install made, kept beside the artifacts and shared by all builds with the same lock files.

A layer is a folder `<home>/artifacts/.layers/<cache key>/<digest>/` with `layer.json`, `env/` (the Python environment), `node/<n>/`
(each node_modules folder), and `files/` (what else the install wrote into the source). It never changes; artifacts refer to it.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from canonry.adapters.builder.native.digests import digest_files, digest_tree
from canonry.adapters.builder.native.rooms import Room
from canonry.infra.files import remove_tree, write_atomic
from canonry.ports.builder import Mount

_FORMAT = "1"
_KEPT_UNUSED = 2
_HOOKS = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
# Hooks that write nothing which the build does not write again, so that the layer stays a matter of the lock file.
_HARMLESS = re.compile(
    r"\s*(?:(?:npx )?(?:husky(?: install)?|svelte-kit sync|nux[ti] prepare|is-ci|exit 0|true|echo(?: ['\"]{2})?)\s*(?:\|\||&&|;|$)\s*)+"
)
_LOCAL_REQUIREMENT = re.compile(r"^\s*(?:-e\b|--editable\b|\.|file:|[\w.-]+(?:\[[^\]]*\])?\s*@\s*file:)", re.MULTILINE)
_LOCAL_SOURCE = re.compile(r"source = \{ (?:directory|path) =|\bpath = \"\.|\"resolved\": \"file:|type = \"directory\"")

type Snapshot = dict[str, tuple[int, int, int]]


@dataclass(frozen=True)
class Layer:
    """folder: the layer on disk. parts: its folders and where they belong inside (`env` → /env, `node/0` → /app/node_modules)."""

    folder: Path
    parts: tuple[tuple[str, str], ...]

    def mounts(self) -> tuple[Mount, ...]:
        """Its folders as an app sees them."""
        return tuple(Mount(self.folder / name, target) for name, target in self.parts)


class Layers:
    """The layers of one cache key."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, key: str) -> Layer | None:
        """Return the layer with this key, None when it is not there."""
        return load_layer(self._root / key)

    def keep(self, key: str, made: Path, parts: tuple[tuple[str, str], ...]) -> Layer:
        """Take the finished folder `made` as the layer `key`, from now on unchanged."""
        write_atomic(made / "layer.json", json.dumps({"parts": parts}), sync=False)
        self._root.mkdir(parents=True, exist_ok=True)
        made.rename(self._root / key)
        return Layer(self._root / key, parts)

    def sweep(self, used: Collection[Path]) -> None:
        """Delete layers that no artifact uses, but for the newest ones (a failed build is often tried again)."""
        if not self._root.is_dir():
            return
        unused = [folder for folder in self._root.iterdir() if folder not in used]
        unused.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in unused[_KEPT_UNUSED:]:
            remove_tree(folder)


def load_layer(folder: Path) -> Layer | None:
    """Return the layer in `folder`, None when there is none."""
    try:
        parts = json.loads((folder / "layer.json").read_bytes())["parts"]
    except (OSError, ValueError, KeyError):
        return None
    return Layer(folder, tuple((name, target) for name, target in parts))


def layer_key(room: Room) -> str:
    """Return the key of the layer this build needs: lock files, install command, variables and toolchains.

    The whole source counts too where an install surely reads it: hooks in package.json, local packages in a requirements file.
    """
    plan, tree = room.request.plan, room.tree
    manifests = [name for name in ("package.json", ".npmrc", ".yarnrc.yml", "pyproject.toml") if (tree / name).is_file()]
    whole = digest_tree(tree) if _reads_source(tree, plan.lockfiles) else ""
    tools = [[tool.name, tool.version, [str(mount.source) for mount in tool.mounts]] for tool in room.tools]
    described = [_FORMAT, plan.install, digest_files(tree, [*plan.lockfiles, *manifests]), whole,
                 room.request.variables_digest or [], sorted(plan.variables.items()), tools]  # fmt: skip
    return hashlib.sha256(json.dumps(described).encode(errors="surrogateescape")).hexdigest()[:32]


def take_snapshot(tree: Path) -> Snapshot:
    """Return what identifies each file's state, so that what an install changes can be told."""
    found: Snapshot = {}
    for path, entry in _files(tree, ""):
        status = entry.stat(follow_symlinks=False)
        found[path] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found


def collect(tree: Path, before: Snapshot, made: Path) -> tuple[tuple[str, str], ...]:
    """Move what an install wrote into the source to the new layer folder `made`; return its parts.

    Each node_modules folder is moved; other new and changed files are copied to `files/`, and stay where they are.
    """
    made.mkdir(parents=True, exist_ok=True)
    parts: list[tuple[str, str]] = []
    for number, path in enumerate(sorted(find_modules(tree))):
        (made / "node").mkdir(exist_ok=True)
        (tree / path).rename(made / "node" / str(number))
        parts.append((f"node/{number}", f"/app/{path}"))
    for path, (inode, changed, size) in take_snapshot(tree).items():
        if before.get(path) != (inode, changed, size):
            target = made / "files" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / path, target, follow_symlinks=False)
    return tuple(parts)


def restore_files(layer: Layer, tree: Path) -> None:
    """Write into the source what the install had written there beside its packages."""
    root = layer.folder / "files"
    if not root.is_dir():
        return
    for path, entry in _files(root, ""):
        parent = real_folder(tree, os.path.dirname(path))  # noqa: PTH120 -- a relative text, not a place
        if parent is None:
            continue
        target = parent / entry.name
        if target.is_dir() and not target.is_symlink():
            continue
        target.unlink(missing_ok=True)
        shutil.copy2(entry.path, target, follow_symlinks=False)


def real_folder(tree: Path, relative: str) -> Path | None:
    """Return the folder `relative` under `tree`, made when missing; None when a link or a file stands in the way."""
    folder = tree
    for name in relative.split("/") if relative not in {"", "."} else []:
        folder /= name
        if name in {"", ".", ".."} or folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return None
        folder.mkdir(exist_ok=True)
    return folder


def find_modules(tree: Path, prefix: str = "") -> list[str]:
    """Return the relative path of every outermost node_modules folder."""
    found = []
    with os.scandir(tree) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False) or entry.name == ".git":
                continue
            if entry.name == "node_modules":
                found.append(prefix + entry.name)
            else:
                found += find_modules(Path(entry.path), f"{prefix}{entry.name}/")
    return found


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in {"node_modules", "__pycache__", ".git"}:
                    yield from _files(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                yield prefix + entry.name, entry


def _reads_source(tree: Path, lockfiles: Collection[str]) -> bool:
    for name in {*lockfiles, "package.json"}:
        path = tree / name
        if not path.is_file() or path.is_symlink():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if name.endswith("package.json") and _has_hooks(text):
            return True
        if name.endswith((".txt", ".in")) and _LOCAL_REQUIREMENT.search(text):
            return True
        if name.endswith(".lock") and _LOCAL_SOURCE.search(text):
            return True
    return False


def _has_hooks(text: str) -> bool:
    try:
        scripts = json.loads(text).get("scripts", {})
        return any(hook in scripts and not _HARMLESS.fullmatch(scripts[hook]) for hook in _HOOKS)
    except (ValueError, AttributeError, TypeError):
        return True  # whatever it is, do not guess
