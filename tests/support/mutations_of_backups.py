"""How to call each operation about backups, so that it succeeds (see tests/support/mutations.py)."""

from collections.abc import Callable

from tests.support.api import Api
from tests.support.mutation import Call

_SECRET = "a-value-in-a-backup"


def _created(api: Api) -> Call:
    slug = api.app("shop")
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "KEY", "value": _SECRET})
    return Call({"project": slug}, {"note": "kept"}, secrets=(_SECRET,))


def _removed(api: Api) -> Call:
    call = _created(api)
    backup = api.ask("POST", "/v1/projects/shop/backups", call.body).json["backup"]["id"]
    return Call({"project": "shop", "backup": backup}, secrets=(_SECRET,))


def _restored(api: Api) -> Call:
    """The variable that is set again, the deployment and the restore have an event each."""
    call = _removed(api)
    api.ask("DELETE", "/v1/projects/shop/env/KEY")
    return Call(call.values, secrets=(_SECRET,), events=3)


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /projects/{project}/backups": _created,
    "DELETE /projects/{project}/backups/{backup}": _removed,
    "POST /projects/{project}/backups/{backup}/restore": _restored,
}
