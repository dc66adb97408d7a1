"""`canonry tickets`: tickets that live in Canonry, and keeping them and the sections of specs in step."""

import time
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.errors import FAILED
from canonry.cli.output import age, print_fields, print_json, print_table, say
from canonry.cli.remote.options import AsJson, Limit
from canonry.client.credentials import current
from canonry.client.tickets import TicketsApi, TicketSyncsApi
from canonry.client.transport import Document
from canonry.core.errors import Invalid, Issue

_PAUSE = 0.2  # seconds
_KINDS = ("created", "linked", "updated", "status_changed", "closed", "reopened", "errors")
Ticket = Annotated[str, argument("TICKET", help="The id of the ticket, like PAY-7.")]
Repository = Annotated[str, argument("REPOSITORY", help="The repository, by its name.")]


def list_tickets(
    *,
    state: Annotated[
        str | None, option("--state", metavar="STATE", help="Only those that are draft, todo, in_progress, blocked, done or deprecated.")
    ] = None,
    project_key: Annotated[str | None, option("--project-key", metavar="KEY", help="Only those of this project: PAY.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest tickets that live in Canonry."""
    found = TicketsApi(current()).list(state=state, project_key=project_key, limit=limit)
    if as_json:
        print_json(found)
    elif found:
        print_table(("TICKET", "STATE", "SUMMARY", "LABELS", "CHANGED"), [
            (item["id"], item["raw_status"], item["summary"], ", ".join(item["labels"]), f"{age(item['updated_at'])} ago") for item in found
        ])  # fmt: skip
    else:
        say("There are no such tickets. CANON.yaml of a repository says which specs have some: ticket_systems.")


def show_ticket(ticket: Ticket, as_json: AsJson = False) -> None:
    """Show a ticket with its text and the pull requests it names."""
    found = TicketsApi(current()).show(ticket)
    if as_json:
        print_json(found)
        return
    print_fields({
        "ticket": found["id"], "summary": found["summary"], "state": found["raw_status"], "blocked by": found["blocked_by"],
        "type": found["issue_type"], "labels": ", ".join(found["labels"]), "assignees": ", ".join(found["assignees"]),
        "part of": found["parent_id"], "pull requests": ", ".join(item["url"] for item in found["pull_requests"]),
    })  # fmt: skip
    say(found["description"])


def set_ticket(
    ticket: Ticket,
    *,
    state: Annotated[str | None, option("--state", metavar="STATE", help="todo, in_progress, blocked, done, deprecated or draft.")] = None,
    blocked_by: Annotated[str | None, option("--blocked-by", metavar="TEXT", help="With blocked: what by.")] = None,
    summary: Annotated[str | None, option("--summary", metavar="TEXT", help="What it is called.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change the state or the words of a ticket; sections of specs that are linked to it follow."""
    changes: Document = {
        key: value for key, value in {"state": state, "blocked_by": blocked_by, "summary": summary}.items() if value is not None
    }  # fmt: skip
    if not changes:
        raise Invalid("nothing_to_change", "Nothing is to be changed.", hint="Use --state, --blocked-by or --summary.",
                      issues=[Issue("--state", "missing", "option")])  # fmt: skip
    _changed(ticket, changes, as_json=as_json)


def close_ticket(ticket: Ticket, as_json: AsJson = False) -> None:
    """Close a ticket: it is done, and so are the sections that are linked to it."""
    _changed(ticket, {"state": "done"}, as_json=as_json)


def reopen_ticket(ticket: Ticket, as_json: AsJson = False) -> None:
    """Open a ticket again: it is to be done, and so are the sections that are linked to it."""
    _changed(ticket, {"state": "todo"}, as_json=as_json)


def sync_tickets(
    repository: Repository,
    *,
    direction: Annotated[
        str, option("--direction", metavar="WHICH", help="both, forward (tickets follow specs) or reverse (specs follow tickets).")
    ] = "both",
    dry_run: Annotated[bool, option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: AsJson = False,
) -> int:
    """Bring all specs of a repository and their tickets in step, and say what was done. A push does so for what it changes."""
    api = TicketSyncsApi(current(), repository)
    sync = api.start(direction, dry_run=dry_run)
    while sync["ended_at"] is None:
        time.sleep(_PAUSE)
        sync = api.show(sync["id"])
    if as_json:
        print_json(sync)
    else:
        for kind in (*_KINDS, "skipped"):
            for item in sync[kind]:
                print("  ".join(filter(None, (kind.replace("_", " "), item["ticket_id"], item["path"], item["section"], item["note"]))))
        say(f"{sync['status']}: {_summed(sync)}{' (nothing was done: --dry-run)' if dry_run else ''}")
    return 0 if sync["status"] == "success" else FAILED


def list_syncs(repository: Repository, as_json: AsJson = False) -> None:
    """List the last syncs of a repository that did something, and those that were asked for."""
    found = TicketSyncsApi(current(), repository).list()
    if as_json:
        print_json(found)
    elif found:
        print_table(("SYNC", "WHY", "STATUS", "WHEN", "WHAT"), [
            (item["id"], item["trigger"], item["status"], f"{age(item['created_at'])} ago", _summed(item)) for item in found
        ])  # fmt: skip
    else:
        say(f"Nothing of {repository} was synced yet.")


def _changed(ticket: str, changes: Document, *, as_json: bool) -> None:
    after = TicketsApi(current()).change(ticket, changes)
    if as_json:
        print_json(after)
    else:
        say(f"{after['id']}: {after['raw_status']}, {after['summary']}")


def _summed(sync: Document) -> str:
    parts = [f"{len(sync[kind])} {kind.replace('_', ' ')}" for kind in (*_KINDS, "skipped") if sync[kind]]
    return ", ".join(parts) or "everything is in step"
