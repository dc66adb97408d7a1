"""All specs of a checkout, from the cache as far as they did not change, else parsed, many of them on all cores."""

import gc
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from canonry.cli.specs.cache import Cache, open_cache
from canonry.cli.specs.checkout import Checkout, File
from canonry.cli.specs.records import Summary, pack, show_section, unpack
from canonry.specs.lint import stem_of, unresolved
from canonry.specs.models import Document

type _Parse = Callable[[Path, str], tuple[str, str]]
_MANY = 400  # files, from which on a second process is worth its start


class Library:
    """The specs of a checkout. is_cached: a cache may be read and written. has_sections: without a cache, they are wanted, too."""

    def __init__(self, checkout: Checkout, *, is_cached: bool = True, has_sections: bool = True) -> None:
        self.checkout = checkout
        self._parse = _parse if is_cached or has_sections else _parse_summary
        self._cache = open_cache(checkout) if is_cached else Cache(None)
        self.config = self._config()
        self.files = checkout.files(tuple(self.config["doc_paths"]))
        self._parsed: dict[str, tuple[str, str]] = {}  # JSON: a tenth of the memory of what it says
        self._refresh()

    def summaries(self) -> list[Summary]:
        """Every spec, in the order of the paths, with what is wrong between specs."""
        kept = self._cache.summaries()
        found = [
            unpack(file.path, json.loads(self._parsed[file.path][0]) if file.path in self._parsed else kept[file.path])
            for file in self.files
        ]
        stems = {stem_of(file.path) for file in self.files}
        for summary in found:
            summary.found.extend((item.rule, item.severity, item.message, item.hint, item.line, item.column)
                                 for item in unresolved(summary.depends_on, stems))  # fmt: skip
        return found

    def sections(self, paths: Sequence[str] | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Path and sections of these specs, of all without any, in the order of the paths."""
        kept = self._cache.sections(paths)
        wanted = None if paths is None else set(paths)
        for file in self.files:
            if wanted is None or file.path in wanted:
                yield file.path, json.loads(self._parsed[file.path][1] if file.path in self._parsed else kept[file.path])

    def paths(self) -> list[str]:
        """The paths of all specs."""
        return [file.path for file in self.files]

    def _refresh(self) -> None:
        stamps = self._cache.stamps()
        changed = [file for file in self.files if stamps.get(file.path) != file.stamp]
        gone = set(stamps) - {file.path for file in self.files}
        self._parsed = dict(zip((file.path for file in changed), _parse_all(self.checkout.root, changed, self._parse), strict=True))
        if changed or gone:
            self._cache.keep(((file, *self._parsed[file.path]) for file in changed), gone)

    def _config(self) -> Mapping[str, Any]:
        path = self.checkout.config_file()
        if path is None:
            return {"doc_paths": ["docs/specs/*.md"], "ticket_system": None, "name": None, "found": []}
        stat = path.stat()
        return self._cache.config(f"{path.name}.{stat.st_mtime_ns}.{stat.st_size}.{stat.st_ino}", lambda: _read_config(path))


def _read_config(path: Path) -> Mapping[str, Any]:
    from canonry.specs.config import read_config

    config = read_config(path.read_bytes())
    found = [(item.rule, item.severity, item.message, item.hint, item.line, item.column) for item in config.diagnostics]
    return {"doc_paths": list(config.specs.doc_paths), "ticket_system": config.own_tracker, "name": path.name, "found": found}


def _parse_all(root: Path, files: Sequence[File], parse: _Parse) -> list[tuple[str, str]]:
    """Parse files, with one process for each core when they are many."""
    gc.disable()  # nothing here makes rings, and looking for them takes a third of the time
    workers = min(os.cpu_count() or 1, 8) if len(files) >= _MANY else 1
    share = -(-len(files) // workers) if files else 0
    parts = [files[at : at + share] for at in range(0, len(files), share)] if files else []
    pipes = [_in_child(root, part, parse) for part in parts[1:]]
    try:
        found = [parse(root, file.path) for file in parts[0]] if parts else []
        for (process, pipe), part in zip(pipes, parts[1:], strict=True):
            with pipe:
                lines = pipe.read().decode().split("\n")
            os.waitpid(process, 0)
            is_whole = len(lines) == 2 * len(part) + 1
            found += zip(lines[0:-1:2], lines[1::2], strict=True) if is_whole else [parse(root, file.path) for file in part]
    finally:
        gc.enable()
    return found


def _in_child(root: Path, files: Sequence[File], parse: _Parse) -> tuple[int, Any]:
    """Parse in a forked process that writes lines of JSON into a pipe; it has this one's modules and runs nothing else.

    It writes when all is parsed: a pipe holds 64 KiB, and nobody reads it before this process has parsed its own part.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(reading)
            found = [f"{part}\n" for file in files for part in parse(root, file.path)]
            with open(writing, "w", encoding="ascii") as pipe:  # noqa: PTH123 -- a descriptor, not a path
                pipe.writelines(found)
        finally:
            os._exit(0)
    os.close(writing)
    return process, open(reading, "rb")  # noqa: PTH123 -- closed by who reads it


def _parse(root: Path, path: str) -> tuple[str, str]:
    document, summary = _read(root, path)
    return json.dumps(summary), json.dumps([show_section(section) for section in document.walk()])


def _parse_summary(root: Path, path: str) -> tuple[str, str]:
    return json.dumps(_read(root, path)[1]), "[]"


def _read(root: Path, path: str) -> tuple[Document, list[Any]]:
    from canonry.specs import parse

    try:
        with open(f"{root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123 -- 10,000 times, and pathlib takes longer than the read
            content = file.read()
    except OSError as error:
        document = parse("")
        unreadable = ("file.unreadable", "error", f"The file cannot be read: {error.strerror}.", "Check its permissions.", 1, 1)
        return document, [*pack(document)[:-1], [unreadable]]
    document = parse(content)
    return document, pack(document)
