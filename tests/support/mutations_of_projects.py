"""How to call each operation about what a project has, so that it succeeds: variables, git, domains (see tests/support/mutations.py)."""

from collections.abc import Callable

from tests.support.api import Api
from tests.support.domains import tenant
from tests.support.mutation import Call

_SECRET = "the-value-that-no-event-may-hold"
_HOST = "www.shop.test"


def _with_variable(body: object = None) -> Callable[[Api], Call]:
    def prepare(api: Api) -> Call:
        slug = api.project("shop")
        assert api.ask("POST", f"/v1/projects/{slug}/env", {"key": "KEY", "value": f"old-{_SECRET}"}).status == 201
        return Call({"project": slug, "key": "KEY"}, body, secrets=(_SECRET,))

    return prepare


def _on_new_project(body: object, *secrets: str) -> Callable[[Api], Call]:
    return lambda api: Call({"project": api.project("shop")}, body, secrets=secrets)


def _import(api: Api) -> Call:
    """An event for each variable: whoever looks for one finds it by its own name."""
    return Call({"project": api.project("shop")}, {"text": f"A={_SECRET}\nB=2"}, secrets=(_SECRET,), events=2)


def _connected(body: object = None) -> Callable[[Api], Call]:
    def prepare(api: Api) -> Call:
        slug = api.project("shop")
        answer = api.ask("POST", f"/v1/projects/{slug}/git", {"repo": "acme/shop", "token": _SECRET})
        assert answer.status == 201, answer.body
        return Call({"project": slug}, body, secrets=(_SECRET, answer.json["webhookSecret"]), tells=body is None)

    return prepare


def _owned(body: object = None, *, verified: bool = True) -> Callable[[Api], Call]:
    def prepare(api: Api) -> Call:
        shop = tenant(api, "shop", site="shop")
        if verified:
            shop.own(_HOST)
        else:
            assert shop.attach(_HOST).status == 201
            shop.prove(_HOST)
        return Call({"project": "shop", "hostname": _HOST}, body)

    return prepare


def _alias(api: Api) -> Call:
    slug = api.project("shop")
    assert api.ask("POST", f"/v1/projects/{slug}/aliases", {"hostname": "old.test"}).status == 201
    return Call({"project": slug, "hostname": "old.test"})


def _with_volume(api: Api) -> Call:
    slug = api.project("shop", start_command="sleep 600")
    files = {"start.sh": "sleep 600", "canonry.toml": '[[volumes]]\nname = "data"\npath = "/data"\nsize = "1GB"\n'}
    assert api.deploy(slug, files)["status"] == "live"
    assert api.ask("POST", f"/v1/projects/{slug}/stop").status == 200
    return Call({"project": slug, "volume": "data"})


ROWS: dict[str, Callable[[Api], Call]] = {
    "DELETE /projects/{project}/volumes/{volume}": _with_volume,
    "POST /projects/{project}/env": _on_new_project({"key": "KEY", "value": _SECRET}, _SECRET),
    "POST /projects/{project}/env/import": _import,
    "PATCH /projects/{project}/env/{key}": _with_variable({"value": _SECRET}),
    "DELETE /projects/{project}/env/{key}": _with_variable(),
    "POST /projects/{project}/git": _on_new_project({"repo": "acme/shop", "token": _SECRET}, _SECRET),
    "POST /projects/{project}/git/rotate-secret": _connected({}),
    "DELETE /projects/{project}/git": _connected(),
    "POST /projects/{project}/domains": _on_new_project({"hostname": _HOST}),
    "POST /projects/{project}/domains/{hostname}/verify": _owned({}, verified=False),
    "POST /projects/{project}/domains/{hostname}/primary": _owned({}),
    "DELETE /projects/{project}/domains/{hostname}": _owned(),
    "POST /projects/{project}/aliases": _on_new_project({"hostname": "old.test"}),
    "DELETE /projects/{project}/aliases/{hostname}": _alias,
}
