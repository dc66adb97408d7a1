"""How to call each operation about the disk, so that it succeeds (see tests/support/mutations.py)."""

from collections.abc import Callable

from tests.support.api import SITE, Api
from tests.support.mutation import Call


def _deployed(api: Api) -> Call:
    return Call({"deployment": api.deploy(api.project("shop"), SITE)["id"]})


def _pinned(api: Api) -> Call:
    call = _deployed(api)
    assert api.ask("PUT", f"/v1/deployments/{call.values['deployment']}/pin").status == 200
    return call


def _prune(api: Api) -> Call:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET is_operator = true WHERE id = %s", (api.owner.user_id,))
    return Call(body={"dry_run": False})


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /disk/prune": _prune,
    "PUT /deployments/{deployment}/pin": _deployed,
    "DELETE /deployments/{deployment}/pin": _pinned,
}
