"""`canonry db dumps` and `db dump`: the dumps of the database, and one of them in a file."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Limit, Project
from canonry.client.credentials import current
from canonry.client.dumps import Dump, DumpsApi
from canonry.client.errors import from_document
from canonry.core.errors import Conflict, Invalid, NotFound, Unavailable

Which = Annotated[str | None, argument("DUMP", help="Its id, as `canonry db dumps` shows it. Without it: the newest one.")]
Output = Annotated[str | None, option("--output", "-o", metavar="FILE", help="Where to write it; - is standard output.")]
Force = Annotated[bool, option("--force", help="Write over a file that is there.")]


def list_dumps(limit: Limit = 50, project: Project = None, as_json: AsJson = False) -> None:
    """List the dumps of the database, the newest first. One is made each night, and by: canonry db backup --dump."""
    slug = project_of(project)
    found = DumpsApi(current(), slug).list(limit)
    if as_json:
        print_json(found)
    elif found:
        print_table(("DUMP", "STATE", "HOLDS", "WHY", "TABLES", "ROWS", "SIZE", "MADE"), [
            (item["id"], item["state"], item["at"] or (item["error"] or {}).get("message", ""), item["trigger"], len(item["rows"]),
             sum(rows or 0 for rows in item["rows"].values()), _mebi(item["size_bytes"]), f"{age(item['started_at'])} ago")
            for item in found
        ])  # fmt: skip
    else:
        say(f"The database of {slug} has no dumps yet. Make one with: canonry db backup --dump")


def download_dump(
    dump: Which = None, output: Output = None, force: Force = False, project: Project = None, as_json: AsJson = False
) -> None:
    """Download a dump into a file that pg_restore reads, on any PostgreSQL of its version or newer."""
    slug = project_of(project)
    api = DumpsApi(current(), slug)
    if output == "-" and as_json:
        raise Invalid("not_both", "The dump and the JSON document cannot both go to standard output.", hint="Leave one of them out.")
    found = api.get(dump) if dump is not None else _newest(api, slug)
    if output == "-":
        _write(api, found, sys.stdout.buffer)
        return
    path = Path(output or f"{slug}-{(found['at'] or found['started_at'])[:19].replace(':', '').replace('T', '-')}.dump")
    size = _saved(api, found, path, force=force)
    if as_json:
        print_json({"dump": found, "file": str(path), "bytes": size})
        return
    print(path)
    say(f"{_mebi(size)}, the database as of {found['at']}. Load it elsewhere: pg_restore --no-owner --no-privileges -d URL {path}")


def _newest(api: DumpsApi, slug: str) -> Dump:
    for item in api.list(100):
        if item["state"] == "done":
            return item
    raise NotFound("dump_not_found", f"The database of {slug} has no dump yet.", hint="Make one with: canonry db backup --dump")


def _saved(api: DumpsApi, found: Dump, path: Path, *, force: bool) -> int:
    """Write a dump into a file, whole or not at all, that only its owner reads; return its size."""
    if path.is_dir():
        raise Conflict("not_a_file", f"{path} is a folder.", hint="Name a file in it: --output FILE.")
    if path.exists() and not force:
        raise Conflict("file_exists", f"{path} is there already.", hint="Choose another file with --output, or write over it with --force.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            size = _write(api, found, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise Unavailable(
            "not_written", f"{path} cannot be written: {error.strerror}.", hint="Choose another place with --output."
        ) from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return size


def _write(api: DumpsApi, found: Dump, file: IO[bytes]) -> int:
    size = 0
    try:
        with api.content(found["id"]) as pieces:
            for piece in pieces:
                size += file.write(piece)
    except Unavailable:
        error = api.get(found["id"])["error"]  # the server may have found that it is damaged
        if error is not None:
            raise from_document(error) from None
        raise
    return size


def _mebi(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
