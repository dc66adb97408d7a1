"""How to call each operation about backups, so that it succeeds (see tests/support/mutations.py)."""

from collections.abc import Callable

from tests.support.api import Api
from tests.support.databases import row_only
from tests.support.mutation import Call
from tests.support.restores import moment, row_of_restore, with_backup

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


def _asked_for(api: Api) -> Call:
    slug = api.project("shop")
    with_backup(api, slug)
    return Call({"project": slug}, {"at": moment()})


def _of_restore(state: str) -> Callable[[Api], Call]:
    """A restore in that state, without servers: what is asked for is done by a job."""

    def prepare(api: Api) -> Call:
        slug = api.project("shop")
        row_only(api.container, slug)
        return Call({"project": slug, "restore": row_of_restore(api.container, slug, state)})

    return prepare


def _drilled(api: Api) -> Call:
    slug = api.project("shop")
    row_only(api.container, slug)
    return Call({"project": slug})


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /projects/{project}/backups": _created,
    "DELETE /projects/{project}/backups/{backup}": _removed,
    "POST /projects/{project}/backups/{backup}/restore": _restored,
    "POST /projects/{project}/database/restores": _asked_for,
    "POST /projects/{project}/database/restores/{restore}/promote": _of_restore("ready"),
    "POST /projects/{project}/database/restores/{restore}/undo": _of_restore("promoted"),
    "DELETE /projects/{project}/database/restores/{restore}": _of_restore("ready"),
    "POST /projects/{project}/database/drill": _drilled,
    "POST /projects/{project}/database/backups": _drilled,
}
