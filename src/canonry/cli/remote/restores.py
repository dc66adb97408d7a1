"""`canonry db restore`, `restores`, `promote`, `undo`, `discard`: the database as it was, beside the live one."""

import time
from datetime import datetime
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.errors import FAILED, show
from canonry.cli.output import age, print_fields, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Limit, Project
from canonry.client.credentials import current
from canonry.client.errors import from_document
from canonry.client.restores import Difference, Restore, RestoresApi, TableDifference
from canonry.core.errors import Conflict, Invalid

_UNDER_WAY = {"preparing", "promoting", "undoing"}
_PAUSE = 0.5

Which = Annotated[str | None, argument("RESTORE", help="Its id. Without it: the newest one for which this can be done.")]
At = Annotated[str | None, option("--at", metavar="TIME", help="The moment, like '2026-11-22 10:31:07'. Without a zone: this machine's.")]
Backup = Annotated[str | None, option("--backup", metavar="ID", help="A backup, as `canonry backups ls` shows it.")]
Dump = Annotated[str | None, option("--dump", metavar="ID", help="A dump, as `canonry db dumps` shows it, loaded into an empty database.")]
Wait = Annotated[bool, option("--wait/--no-wait", help="Wait until it has ended, or leave at once.")]


def restore(
    at: At = None, backup: Backup = None, dump: Dump = None, *, project: Project = None, wait: Wait = True, as_json: AsJson = False
) -> int:
    """Make a second database with what was there at a moment or is in a dump, and show what differs. The live one is not touched."""
    given = {"at": at, "backup": backup, "dump": dump}
    wanted = {name: value for name, value in given.items() if value is not None}
    if len(wanted) != 1:
        raise Invalid("which_moment", "Say what to restore: either --at TIME, --backup ID or --dump ID.",
                      hint="What can be reached: canonry db reach, canonry db dumps")  # fmt: skip
    api = RestoresApi(current(), project_of(project))
    if at is not None:
        wanted["at"] = _moment(at)
        if wanted["at"] != at:
            say(f"Taken as {wanted['at']}.")
    begun = api.create(wanted)
    return _end(_waited(api, begun) if wait else begun, as_json=as_json, waited=wait)


def list_restores(limit: Limit = 50, project: Project = None, as_json: AsJson = False) -> None:
    """List the restores of a project, the newest first."""
    slug = project_of(project)
    found = RestoresApi(current(), slug).list(limit)
    if as_json:
        print_json(found)
    elif found:
        print_table(("RESTORE", "STATE", "AS IT WAS AT", "DATABASE", "ASKED FOR", "UNDO UNTIL"), [
            (item["id"], item["state"], item["at"], item["database_id"] or "", f"{age(item['created_at'])} ago", item["undo_until"] or "")
            for item in found
        ])  # fmt: skip
    else:
        say(f"{slug} has no restores. Make one with: canonry db restore --at TIME")


def show_reach(project: Project = None, as_json: AsJson = False) -> None:
    """Show to which moments the database of a project can be restored."""
    slug = project_of(project)
    spans = RestoresApi(current(), slug).reach()
    if as_json:
        print_json(spans)
    elif spans:
        print_table(("FROM", "TO"), [(item["start"], item["end"]) for item in spans])
    else:
        say(f"The database of {slug} has no backup yet. A first one is made within minutes.")


def show_restore(restore_id: Which = None, project: Project = None, as_json: AsJson = False) -> None:
    """Show a restore, and what differs between it and the live database."""
    api = RestoresApi(current(), project_of(project))
    found = api.get(restore_id) if restore_id is not None else _newest(api, None)
    if as_json:
        print_json(found)
    else:
        _show(found)


def promote(restore_id: Which = None, *, project: Project = None, wait: Wait = True, as_json: AsJson = False) -> int:
    """Let a restored database take the place of the live one. The former one is kept for three days: canonry db undo."""
    api = RestoresApi(current(), project_of(project))
    begun = api.promote(restore_id or _newest(api, "ready")["id"])
    return _end(_waited(api, begun) if wait else begun, as_json=as_json, waited=wait)


def undo(restore_id: Which = None, *, project: Project = None, wait: Wait = True, as_json: AsJson = False) -> int:
    """Let the database of before a promote be live again. What was written since then stays in the restored one, beside it."""
    api = RestoresApi(current(), project_of(project))
    begun = api.undo(restore_id or _newest(api, "promoted")["id"])
    return _end(_waited(api, begun) if wait else begun, as_json=as_json, waited=wait)


def discard(restore_id: Which = None, project: Project = None, as_json: AsJson = False) -> None:
    """Give a restored database up and remove it. The live one is not touched."""
    api = RestoresApi(current(), project_of(project))
    done = api.discard(restore_id or _newest(api, "ready")["id"])
    if as_json:
        print_json(done)
    else:
        say(f"Discarded {done['id']}.")


def _moment(text: str) -> str:
    """Return the moment in ISO 8601 with a zone: the one that is said, else this machine's. Raises: Invalid `invalid_moment`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(
            "invalid_moment", f"{text!r} is no moment.", hint="Write it like '2026-11-22 10:31:07', or with Z for UTC."
        ) from error
    return text if moment.tzinfo is not None else moment.astimezone().isoformat()


def _newest(api: RestoresApi, state: str | None) -> Restore:
    for item in api.list(100):
        if state is None or item["state"] == state:
            return item
    raise Conflict("restore_not_ready", f"No restore is {state}." if state else "There are no restores.",
                   hint="Make one with: canonry db restore --at TIME")  # fmt: skip


def _waited(api: RestoresApi, restore: Restore) -> Restore:
    """Look until it has ended; say what is done meanwhile."""
    told = ""
    while restore["state"] in _UNDER_WAY:
        if restore["step"] not in {"", told}:
            told = restore["step"]
            say(f"{restore['state'].capitalize()}: {told}")
        time.sleep(_PAUSE)
        restore = api.get(restore["id"])
    return restore


def _end(restore: Restore, *, as_json: bool, waited: bool) -> int:
    if as_json:
        print_json(restore)
    else:
        _show(restore)
    if waited and restore["error"] is not None:
        show(from_document(restore["error"]), as_json=as_json)
        return FAILED
    if not as_json and restore["state"] == "ready":
        say(f"Look into it: canonry db psql --database {restore['database_id']}")
        say(f"Then: canonry db promote {restore['id']}, or canonry db discard {restore['id']}")
    return 0


def _show(restore: Restore) -> None:
    pause = f"{restore['pause_ms'] / 1000:.2f} s" if restore["pause_ms"] is not None else None
    print_fields({
        "Restore": restore["id"], "State": restore["state"], "As it was at": restore["at"], "Backup": restore["backup_id"],
        "Dump": restore.get("dump_id"),
        "Database": restore["database_id"], "Clients waited": pause, "Undo until": restore["undo_until"],
    })  # fmt: skip
    if restore["difference"] is not None and restore["state"] == "ready":  # later it is about databases that have changed since
        _show_difference(restore["difference"])


def _show_difference(found: Difference) -> None:
    if found["why"]:
        say(f"There was nothing to compare with: {found['why']}")
        return
    if found["tables"]:
        print()
        print_table(("TABLE", "LIVE", "RESTORED", "NEWEST LIVE", "NEWEST RESTORED"), [
            (item["table"], _rows(item, "live"), _rows(item, "restored"), item["newest_live"] or "", item["newest_restored"] or "")
            for item in found["tables"]
        ])  # fmt: skip
    say(f"{found['same']} tables are the same in both." + ("" if found["complete"] else " Numbers with ~ are estimates."))


def _rows(item: TableDifference, side: str) -> str:
    rows = item["live"] if side == "live" else item["restored"]
    return "missing" if rows is None else f"{rows}" if item["exact"] else f"~{rows}"
