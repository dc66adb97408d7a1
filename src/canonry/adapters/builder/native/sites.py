"""Static output: a folder of the build becomes a site, safe to serve and already compressed."""

import gzip
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from canonry.infra.files import remove_tree
from canonry.ports.builder import LogLine
from canonry.ports.errors import BuildFailed

_TEXT = frozenset({".html", ".htm", ".css", ".js", ".mjs", ".cjs", ".json", ".map", ".svg", ".xml", ".txt", ".md", ".csv", ".ico", ".wasm",
                   ".webmanifest", ".geojson", ".ttf", ".otf", ".eot", ".rss", ".atom", ".vtt"})  # fmt: skip
_SMALLEST = 1024  # bytes; below, a compressed answer saves no packet
_LARGEST = 32 << 20
_WORTH = 0.95  # of the size at most, else the plain file is as good
_LEVEL = 6
_NOT_SERVED = frozenset({"canonry.toml", ".canonryignore", "Procfile"})
_DOT_SERVED = frozenset({".well-known", ".nojekyll"})


def find_site(tree: Path, root: str) -> Path:
    """Return the folder `root` of the built tree. Raises: BuildFailed `output_missing`."""
    folder = tree / root
    if not folder.is_dir() or not folder.resolve().is_relative_to(tree.resolve()):
        raise BuildFailed("output_missing", f"The build made no folder `{root}`, which should hold the site.",
                          hint="Set output_dir, in canonry.toml or the project's settings, to what the build writes.")  # fmt: skip
    if not any(folder.iterdir()):
        raise BuildFailed(
            "output_missing", f"The folder `{root}` is empty after the build.", hint="The build log shows what the build wrote."
        )
    return folder.resolve()


def make_site(folder: Path, target: Path, log: LogLine, *, keep: bool, is_source: bool) -> None:
    """Make `target` the site of `folder`. keep: `folder` must stay (the files are then linked); else it is moved away.

    is_source: the site is the source itself, so hidden files and Canonry's own are left out. Links are replaced by what they
    point to inside the site; others are left out, for the edge would follow them out of it.
    """
    links = _copy_links(folder, target) if keep else _move(folder, target)
    if is_source:
        for name in [entry.name for entry in os.scandir(target) if _is_hidden(entry.name)]:
            remove_tree(target / name)
    _replace_links(target, links, log)
    compress(target)


def compress(site: Path) -> int:
    """Write a `.gz` beside each text file that gains by it, unless there is one; return how many."""
    candidates = [entry for entry in _files(site) if _is_worth(entry)]
    if not candidates:
        return 0
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:  # zlib works outside the interpreter's lock
        return sum(pool.map(_compress_one, (entry.path for entry in candidates), chunksize=4))


def _is_hidden(name: str) -> bool:
    return name in _NOT_SERVED or (name.startswith(".") and name not in _DOT_SERVED)


def _move(folder: Path, target: Path) -> list[str]:
    shutil.move(folder, target)
    links: list[str] = []
    for entry in _all(target):
        if entry.is_symlink():
            links.append(entry.path)
        elif not entry.is_dir(follow_symlinks=False) and not entry.is_file(follow_symlinks=False):
            os.unlink(entry.path)  # noqa: PTH108 -- a pipe or socket: the edge would wait for ever for its end
    return links


def _copy_links(folder: Path, target: Path) -> list[str]:
    """Hard links are safe here: both copies are served or mounted read-only."""
    target.mkdir()
    links = []
    for entry in _all(folder):
        place = target / os.path.relpath(entry.path, folder)
        if entry.is_symlink():
            place.symlink_to(Path(entry.path).readlink())
            links.append(os.fspath(place))
        elif entry.is_dir(follow_symlinks=False):
            place.mkdir()
        elif entry.is_file(follow_symlinks=False):
            os.link(entry.path, place)
    return links


def _replace_links(site: Path, links: list[str], log: LogLine) -> None:
    root = site.resolve()
    for name in links:
        link = Path(name)
        if not link.is_symlink():  # it lay in a hidden folder, which is gone
            continue
        goal = _resolve(link)
        link.unlink()
        if goal is not None and goal.is_file() and goal.is_relative_to(root):
            os.link(goal, link)
        else:
            log(f"Left out {link.relative_to(site)}: it is a link to something that is no file of the site")


def _resolve(link: Path) -> Path | None:
    try:
        return link.resolve()
    except (OSError, RuntimeError):  # a ring of links
        return None


def _all(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _all(entry.path)


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    return (entry for entry in _all(folder) if entry.is_file(follow_symlinks=False))


def _is_worth(entry: os.DirEntry[str]) -> bool:
    if os.path.splitext(entry.name)[1].lower() not in _TEXT:  # noqa: PTH122 -- a name, not a place
        return False
    return _SMALLEST < entry.stat().st_size <= _LARGEST and not any(os.path.exists(f"{entry.path}.{end}") for end in ("gz", "br", "zst"))  # noqa: PTH110


def _compress_one(path: str) -> bool:
    content = Path(path).read_bytes()
    packed = gzip.compress(content, _LEVEL, mtime=0)
    if len(packed) > len(content) * _WORTH:
        return False
    Path(f"{path}.gz").write_bytes(packed)
    return True
