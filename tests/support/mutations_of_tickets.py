"""How to call each operation about tickets, so that it succeeds (see tests/support/mutations.py)."""

from collections.abc import Callable

from tests.support.api import Api
from tests.support.mutation import Call


def ticket_of(api: Api) -> str:
    """Make a ticket and return its id."""
    wish = {"ticket_system": "canonry", "input": {"project_key": "PAY", "summary": "Retry"}}
    answer = api.ask("POST", "/app/ada/api/tickets/create", wish)
    assert answer.status == 200, answer.body
    return str(answer.json["ticket_id"])


def sync_of(api: Api) -> str:
    """Ask the repository `handbook` to be synced and return the id of that."""
    answer = api.ask("POST", "/v1/repositories/handbook/tickets/syncs", {"dry_run": True})
    assert answer.status == 202, answer.body
    return str(answer.json["sync"]["id"])


def _proxied(**body: object) -> Callable[[Api], Call]:
    def prepare(api: Api) -> Call:
        ticket_of(api)
        return Call({"org": "ada"}, {"ticket_system": "canonry", **body}, prefix="")

    return prepare


def _synced(api: Api) -> Call:
    return Call({"repository": api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]["id"]}, {"dry_run": True})


ROWS: dict[str, Callable[[Api], Call]] = {
    "PATCH /tickets/{ticket}": lambda api: Call({"ticket": ticket_of(api)}, {"state": "done"}),
    "POST /repositories/{repository}/tickets/syncs": _synced,
    "POST /app/{org}/api/tickets/create": _proxied(input={"project_key": "PAY", "summary": "Refund"}),
    "POST /app/{org}/api/tickets/update": _proxied(input={"ticket_id": "PAY-1", "summary": "Refund"}),
    "POST /app/{org}/api/tickets/link-pr": _proxied(ticket_id="PAY-1", pr_url="https://example.com/pull/1"),
}
