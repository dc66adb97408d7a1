"""[[volumes]] of a canonry.toml: which folders an app keeps, read strictly."""

import re
from pathlib import PurePosixPath
from typing import cast

from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.tree import Table
from canonry.ports.builder import DeclaredVolume

MOST = 16
_KEYS = {"name", "path", "size"}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_PATH = re.compile(r"(/[A-Za-z0-9._-]{1,100}){1,12}")
_SIZE = re.compile(r"([1-9][0-9]{0,6}) ?([MGT])(i?)B")
_POWERS = {"M": 2, "G": 3, "T": 4}
_LARGEST = 100 * 1000**4
# What a sandbox has at its top already (infra/sandbox.py, toolchains, /tmp of each instance), and what programs take for the system's.
_TAKEN = frozenset({"app", "bin", "boot", "dev", "env", "etc", "home", "lib", "lib32", "lib64", "libx32", "opt", "proc", "root",
                    "run", "sbin", "sys", "tmp", "usr"})  # fmt: skip
_PACKAGES = frozenset({"node_modules", ".venv", "__pycache__"})


def read_volumes(place: str, value: object) -> tuple[DeclaredVolume, ...]:
    """Return the volumes of a parsed file. place: the file, for errors. Raises: Invalid `invalid_config` naming volume and key."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise invalid_config(f"{place} volumes", "is not a list of sections", "Begin each volume with a line [[volumes]].")
    if len(value) > MOST:
        raise invalid_config(f"{place} volumes", f"names {len(value)} volumes, more than {MOST}", "Put folders together in one volume.")
    found: list[DeclaredVolume] = []
    for number, entry in enumerate(value, 1):
        volume = _read(f"{place} [[volumes]] {number}", cast("Table", entry))
        _refuse_overlap(place, volume, found)
        found.append(volume)
    return tuple(found)


def parse_size(place: str, value: object) -> int:
    """Return the bytes that `500MB`, `1GB` (powers of 1000) or `1GiB` (of 1024) stands for. Raises: Invalid `invalid_config`."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size = int(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2]] if match else 0
    if not 0 < size <= _LARGEST:
        raise invalid_config(place, f"is not a size: {str(value)[:40]!r}", 'Write a whole number with MB, GB or TB, in quotes: "1GB".')
    return size


def check_path(place: str, value: object) -> str:
    """Return a path at which an app may have a volume. Raises: Invalid `invalid_config`."""
    if not isinstance(value, str) or not _PATH.fullmatch(value) or {".", ".."} & set(value.split("/")):
        remedy = "Write it absolute and plain, like /data or /app/uploads: letters, digits, . _ and - between the slashes."
        raise invalid_config(place, f"is not a path of a folder: {str(value)[:80]!r}", remedy)
    parts = PurePosixPath(value).parts[1:]
    if parts[0] in _TAKEN and not (parts[0] == "app" and len(parts) > 1):
        what = "is the app's own folder" if parts == ("app",) else f"lies in /{parts[0]}, which belongs to the system"
        raise invalid_config(place, what, "Choose a folder of its own, like /data, or one below /app.")
    if parts[0] == "app" and _PACKAGES & set(parts):
        raise invalid_config(place, "lies where packages are installed", "Choose a folder of its own, like /data.")
    return value


def _read(place: str, entry: Table) -> DeclaredVolume:
    name = entry.get("name")
    if unknown := sorted(set(entry) - _KEYS):
        raise invalid_config(place, f"has an unknown key: {unknown[0][:60]}", "Known: name, path, size.")
    if missing := sorted(_KEYS - set(entry)):
        raise invalid_config(place, f"lacks {' and '.join(missing)}", 'Write name = "data", path = "/data" and size = "1GB".')
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        remedy = "Use lower-case letters, digits and -, a letter first, at most 31."
        raise invalid_config(f"{place} name", f"is not a name of a volume: {str(name)[:60]!r}", remedy)
    return DeclaredVolume(name, check_path(f"{place} path", entry.get("path")), parse_size(f"{place} size", entry.get("size")))


def _refuse_overlap(place: str, volume: DeclaredVolume, others: list[DeclaredVolume]) -> None:
    path = PurePosixPath(volume.path)
    for other in others:
        if other.name == volume.name:
            raise invalid_config(f"{place} volumes", f"names {volume.name} twice", "Give each volume a name of its own.")
        if path.is_relative_to(other.path) or PurePosixPath(other.path).is_relative_to(path):
            raise invalid_config(f"{place} volumes", f"has {volume.name} at {path} and {other.name} at {other.path}, one in the other",
                                 "Keep their folders apart.")  # fmt: skip
