"""How to call each operation that changes something, so that it succeeds: what tests/http/test_audit_of_mutations.py goes through."""

from collections.abc import Callable

from tests.support import (
    mutations_of_backups,
    mutations_of_databases,
    mutations_of_disk,
    mutations_of_git,
    mutations_of_identity,
    mutations_of_people,
    mutations_of_previews,
    mutations_of_projects,
    mutations_of_tickets,
    mutations_of_webhooks,
)
from tests.support.api import FORM, SITE, Api, archive, form
from tests.support.mutation import Call


def _on_project(body: object = None) -> Callable[[Api], Call]:
    return lambda api: Call({"project": api.app("shop")}, body)


def _on_site(body: object = None) -> Callable[[Api], Call]:
    def prepare(api: Api) -> Call:
        slug = api.project("shop")
        api.deploy(slug, SITE)
        return Call({"project": slug}, body)

    return prepare


def _stopped(api: Api) -> Call:
    slug = api.app("shop")
    assert api.ask("POST", f"/v1/projects/{slug}/stop").status == 200
    return Call({"project": slug})


def _upload(api: Api) -> Call:
    return Call({"project": api.project("shop")}, raw=form(archive(SITE)), headers=FORM)


def _streamed(api: Api) -> Call:
    call = _on_site({})(api)
    return Call(call.values, {}, streams=call.values["project"])


def _waiting(api: Api) -> Call:
    return Call({"deployment": api.upload(api.project("shop"), SITE).json["deployment"]["id"]})


def _failed(api: Api) -> Call:
    return Call({"deployment": api.deploy(api.project("shop"), {"nothing.txt": "to run"})["id"]})


def _two(api: Api) -> tuple[str, str]:
    slug = api.project("shop")
    first = api.deploy(slug, SITE)["id"]
    api.deploy(slug, {"index.html": "second"})
    return slug, first


def _drained(api: Api) -> Call:
    body = {"kind": "http", "url": "https://logs.example.com/v1/key-in-the-path?k=key-in-the-query", "token": "bearer-of-logs"}
    return Call({"project": api.app("shop")}, body, secrets=("key-in-the-path", "key-in-the-query", "bearer-of-logs"))


def _with_drain(api: Api) -> Call:
    call = _drained(api)
    drain = api.ask("POST", "/v1/projects/shop/drains", call.body).json["drain"]["id"]
    return Call({"project": "shop", "drain": drain}, secrets=call.secrets)


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /projects": lambda _api: Call(body={"name": "Shop", "slug": "shop"}),
    "PATCH /projects/{project}": _on_project({"build_command": "make", "name": "Other"}),
    "DELETE /projects/{project}": _on_project(),
    "POST /projects/{project}/stop": _on_project(),
    "POST /projects/{project}/start": _stopped,
    "POST /projects/{project}/scale": _on_project({"instances": 2}),
    "POST /projects/{project}/upload": _upload,
    "POST /projects/{project}/deploy": _on_site({}),
    "POST /projects/{project}/deploy/stream": _streamed,
    "POST /projects/{project}/rollback": lambda api: Call({"project": _two(api)[0]}),
    "POST /deployments/{deployment}/rollback": lambda api: Call({"deployment": _two(api)[1]}),
    "POST /deployments/{deployment}/retry": _failed,
    "POST /deployments/{deployment}/cancel": _waiting,
    "POST /projects/{project}/drains": _drained,
    "DELETE /projects/{project}/drains/{drain}": _with_drain,
    **mutations_of_projects.ROWS,
    **mutations_of_tickets.ROWS,
    **mutations_of_backups.ROWS,
    **mutations_of_git.ROWS,
    **mutations_of_databases.ROWS,
    **mutations_of_disk.ROWS,
    **mutations_of_previews.ROWS,
    **mutations_of_identity.ROWS,
    **mutations_of_people.ROWS,
    **mutations_of_webhooks.ROWS,
}
"""Operation → a function that makes what it needs and returns the call that succeeds."""

WITHOUT_A_ROW: dict[str, str] = {
    "POST /deploy/plan": "it leaves nothing behind",
    "POST /app/{org}/editor/{owner}/{repo}/parse": "it leaves nothing behind",
    "POST /app/{org}/editor/{owner}/{repo}/preview": "it leaves nothing behind",
    "POST /app/{org}/api/tickets/status": "it is a question",
    "POST /app/{org}/api/tickets/batch-status": "it is a question",
    "POST /projects/{project}/database/upgrade": "it takes an older PostgreSQL, which this version of Canonry never made",
    "POST /webhook": "nobody here sends it; what it brings has events of its own (tests/contract/test_canon_github.py)",
    "POST /git/{handle}/{name}/{wanted}": "what a push brings has events of its own (tests/features/git)",
    **mutations_of_identity.WITHOUT,
    **mutations_of_people.WITHOUT,
}
"""Operation that is no GET → why it needs no row."""
