"""How to call each operation about databases, so that it succeeds (see tests/support/mutations.py)."""

from collections.abc import Callable

from tests.support.api import Api
from tests.support.databases import made
from tests.support.mutation import Call


def _with_database(body: object = None) -> Callable[[Api], Call]:
    def prepare(api: Api) -> Call:
        slug = api.project("shop")
        database = made(api, slug)
        password = database["connection_string"].rpartition("@")[0].rpartition(":")[2]
        return Call({"project": slug, "database": database["id"]}, body, secrets=(password,))

    return prepare


def _retired(api: Api) -> Call:
    call = _with_database()(api)
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE databases SET role = 'retired'")
    return call


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /projects/{project}/database": lambda api: Call({"project": api.project("shop")}, {"tier": "small"}),
    "PATCH /projects/{project}/database": _with_database({"disk_mb": 512}),
    "DELETE /projects/{project}/database": _with_database(),
    "DELETE /projects/{project}/databases/{database}": _retired,
    "POST /projects/{project}/database/rotate": _with_database({}),
    "POST /projects/{project}/database/access": _with_database({"hours": 1}),
    "POST /projects/{project}/databases/{database}/access": _with_database({"hours": 1}),
}
