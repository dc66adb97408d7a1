"""Every route, tried by everybody who may not: with somebody else's object, without a token, with too narrow a scope.

The routes are those that the application serves, so a new one is tried without anybody thinking of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from canonry.core.access import PERMISSIONS, ROLE_PERMISSIONS, Permission, Role, Scope
from canonry.core.ids import new_id
from canonry.features import tokens, volumes
from canonry.features.accounts.store import organizations, users
from canonry.http.routing import PUBLIC, SIGNED_IN
from canonry.ports.builder import DeclaredVolume
from canonry.wiring.routes import API, ROOT
from tests.support.api import FORM, SITE, Api, archive, emptied, form
from tests.support.databases import row_only
from tests.support.dumps import kept_dump
from tests.support.mutations_of_git import handbook_with_pull_request
from tests.support.mutations_of_tickets import sync_of, ticket_of
from tests.support.restores import row_of_proof, row_of_restore


@dataclass(frozen=True)
class Operation:
    """One operation: its method, its path with placeholders, and what it demands."""

    method: str
    path: str
    access: str
    described: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, **values: str) -> str:
        """Return the path with these values in place; what has none is called `nothing`."""
        return re.sub(r"\{(\w+)(?::path)?\}", lambda match: values.get(match[1], "nothing"), self.path)


def operations() -> Iterator[Operation]:
    """Give every operation of the API, as the routers declare it."""
    for router in API:
        for route in router.routes:
            extra = getattr(route, "openapi_extra", None) or {}
            for method in sorted(getattr(route, "methods", None) or ()):
                yield Operation(method, str(getattr(route, "path", "")), str(extra.get("x-canonry-permission")),
                                bool(getattr(route, "include_in_schema", True)))  # fmt: skip


READING = {Permission.PROJECTS_READ, Permission.SPECS_READ}
OPERATIONS = list(operations())
PROTECTED = [operation for operation in OPERATIONS if operation.access != PUBLIC]
SCOPED = [operation for operation in PROTECTED if operation.access != SIGNED_IN]  # the others are about the caller's own session
WITH_OBJECT = [operation for operation in SCOPED if "{" in operation.path]
MUTATIONS = [operation for operation in SCOPED if operation.method != "GET"]
OPEN = {
    "POST /auth/session", "POST /auth/register", "POST /auth/verify-email", "POST /auth/verify-email/resend", "POST /auth/password-reset",
    "POST /auth/password-reset/confirm",
    "POST /projects/{project}/git/webhook",  # its signature is the gate
}  # fmt: skip
"""What anybody may call."""
READABLE = [item for item in SCOPED if item.access in READING and item.method == "GET" and "stream" not in item.path and item.described]
MANAGED = [item for item in SCOPED if item.access not in READING and item.method == "GET" and item.described]
NOT_FOUND = {
    "project_not_found",
    "deployment_not_found",
    "token_not_found",
    "organization_not_found",
    "webhook_not_found",
    "drain_not_found",
    "backup_not_found",
    "restore_not_found",
    "dump_not_found",
    "proof_not_found",
    "repository_not_found",
    "pull_request_not_found",
    "volume_not_found",
    "ticket_not_found",
    "run_not_found",
}
BODIES: dict[str, object] = {
    "/tickets/{ticket}": {"state": "done"},
    "/projects/{project}/database/restores": {"at": "2026-11-22T10:31:07Z"},
    "/organizations/{organization}/members/{member}": {"role": "viewer"},
    "/organizations/{organization}/invitations": {"email": "x@example.com"},
    "/projects/{project}/git": {"repo": "acme/shop"},
    "/projects/{project}/previews": {"branch": "next"},
    "/projects": {"name": "made"},
    "/repositories/{repository}/pulls": {"title": "x", "head": "edit"},
    "/repositories/{repository}/pulls/{number}/reviews": {"verdict": "approved"},
    "/repositories/{repository}/deployments": {"branch": "main"},
    "/repositories": {"name": "made"},
    "/repositories/github": {"repository": "acme/specs"},
    "/projects/{project}/domains": {"hostname": "www.shop.test"},
    "/projects/{project}/aliases": {"hostname": "www.shop.test"},
    "/projects/{project}/drains": {"kind": "http", "url": "https://logs.example.com/"},
    "/deploy/plan": {"repo_url": "https://localhost/x.git"},
    "/projects/{project}/env": {"key": "A", "value": "1"},
    "/projects/{project}/env/import": {"text": "A=1"},
    "/projects/{project}/scale": {"instances": 1},
}


def call(api: Api, operation: Operation, path: str, token: str | None) -> tuple[int, str]:
    """Make a request that is right but for its caller, and return the status and code of the error."""
    if path.endswith("/upload"):
        return api.ask("POST", f"/v1{path}", raw=form(archive(SITE)), headers=FORM, token=token).error
    body = None if operation.method in {"GET", "DELETE"} else BODIES.get(operation.path, {})
    return api.ask(operation.method, f"/v1{path}", body, token=token).error


@pytest.fixture(scope="module")
def api(common_api: Api) -> Api:
    """Give one API to all tests of this file: none of them may change anything of it but who there is."""
    return emptied(common_api)


@pytest.fixture(scope="module")
def ids(api: Api) -> dict[str, str]:
    """Give a project with a live deployment and a preview: everything that a path can name."""
    slug = api.project("mine", repo_url="https://localhost/x.git")
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "KEY", "value": "1"})
    token = api.get("/v1/tokens")["tokens"][0]["id"]
    invitation = api.ask("POST", "/v1/organizations/ada/invitations", {"email": "new@example.com"}).json["invitation"]["id"]
    webhook = api.ask("POST", "/v1/webhooks", {"url": "https://example.com/"}).json["webhook"]["id"]
    drain = api.ask("POST", f"/v1/projects/{slug}/drains", {"kind": "syslog", "url": "tls://logs.example.com"}).json["drain"]["id"]
    return {
        "drain": drain, "project": slug, "deployment": api.deploy(slug, SITE)["id"], "key": "KEY", "hostname": f"{slug}.localhost",
        "token": token, "organization": "ada", "member": api.owner.user_id, "invitation": invitation,
        "webhook": webhook, "delivery": api.ask("POST", f"/v1/webhooks/{webhook}/ping").json["delivery"]["id"],
        "preview": preview_of(api, slug), "volume": volume_of(api, slug),
        "backup": api.ask("POST", f"/v1/projects/{slug}/backups").json["backup"]["id"], "database": row_only(api.container, slug),
        "restore": row_of_restore(api.container, slug, "ready"), "proof": row_of_proof(api.container, slug),
        "dump": kept_dump(api.container, slug),
        "handle": "ada", "name": "mine",
        "repository": handbook_with_pull_request(api)[0], "number": "1", "ticket": ticket_of(api), "sync": sync_of(api),
    }  # fmt: skip


def volume_of(api: Api, slug: str) -> str:
    project = api.get(f"/v1/projects/{slug}")["id"]
    volumes.provide(api.container, project, "production", [DeclaredVolume("data", "/data", 1)])
    return str(api.get(f"/v1/projects/{slug}/volumes")["volumes"][0]["id"])


def preview_of(api: Api, slug: str) -> str:
    answer = api.ask("POST", f"/v1/projects/{slug}/previews", {"branch": "other"})
    assert answer.status == 201, answer.body
    return str(answer.json["preview"]["id"])


def test_the_operations_of_the_contract_are_all_served() -> None:
    assert len(OPERATIONS) >= 24
    assert {operation.access for operation in OPERATIONS} <= {PUBLIC, SIGNED_IN, *Permission}
    assert {str(operation) for operation in OPERATIONS if operation.access == PUBLIC} == OPEN


def test_what_git_serves_asks_for_the_token_itself(api: Api) -> None:
    first = {getattr(route, "path", "").split("/")[1] for router in ROOT for route in router.routes}
    assert first == {"git", "auth", "app", "metrics", "webhook"}
    slug = api.project()
    for token in (None, "cnr_wrong"):
        assert api.ask("GET", f"/git/ada/{slug}.git/info/refs?service=git-receive-pack", token=token).status == 401


@pytest.mark.parametrize("operation", WITH_OBJECT, ids=str)
@pytest.mark.criterion("api#foreign-is-unknown")
def test_the_object_of_another_organization_is_404(api: Api, ids: dict[str, str], operation: Operation) -> None:
    other = api.somebody()
    by_id = {**ids, "project": api.get("/v1/projects/mine")["id"]}
    before = (api.get("/v1/projects/mine"), api.deployments("mine"))
    for values in (ids, by_id):
        status, code = call(api, operation, operation.filled(**values), other.tokens[Scope.ADMIN])
        assert (status, code in NOT_FOUND) == (404, True)
    assert (api.get("/v1/projects/mine"), api.deployments("mine")) == before


@pytest.mark.parametrize("operation", WITH_OBJECT, ids=str)
def test_an_object_that_is_not_there_is_the_same_404(api: Api, operation: Operation) -> None:
    nothing = operation.filled(project="nobody", deployment="dep_0000000000000000", hostname="nobody.test", number="9")
    assert call(api, operation, nothing, "")[0] == 404


@pytest.mark.parametrize("operation", PROTECTED, ids=str)
def test_without_a_token_it_is_401_before_anything_is_looked_at(api: Api, operation: Operation) -> None:
    path = operation.filled(project="nobody")
    assert call(api, operation, path, None) == (401, "unauthenticated")
    assert call(api, operation, path, "cnr_" + "0" * 48) == (401, "invalid_token")


@pytest.mark.parametrize("operation", MUTATIONS, ids=str)
def test_with_read_scope_a_mutation_is_403(api: Api, ids: dict[str, str], operation: Operation) -> None:
    before = (api.get("/v1/projects"), api.deployments("mine"))
    assert call(api, operation, operation.filled(**ids), api.owner.tokens[Scope.READ]) == (403, "insufficient_scope")
    assert (api.get("/v1/projects"), api.deployments("mine")) == before


@pytest.mark.parametrize("operation", READABLE, ids=str)
def test_with_read_scope_every_get_works(api: Api, ids: dict[str, str], operation: Operation) -> None:
    assert api.ask("GET", f"/v1{operation.filled(**ids)}", token=api.owner.tokens[Scope.READ]).status == 200


@pytest.mark.parametrize("operation", MANAGED, ids=str)
def test_with_read_scope_what_only_admins_see_is_403(api: Api, ids: dict[str, str], operation: Operation) -> None:
    path = operation.filled(**ids)
    assert api.ask("GET", f"/v1{path}", token=api.owner.tokens[Scope.READ]).error == (403, "insufficient_scope")
    assert api.ask("GET", f"/v1{path}").status == 200


def credentials(api: Api, organization_id: str) -> Iterator[tuple[Role, Scope, str]]:
    """Make a member of each role in an organization, with a token of each scope, and give them."""
    with api.container.transactions.begin() as tx:
        made = []
        for role in Role:
            user_id = new_id("usr")
            users.insert_user(tx, user_id, f"{user_id}-{role}@example.com", role, verified=True, operator=False)
            organizations.insert_member(tx, organization_id, user_id, role)
            for scope in Scope:
                token = tokens.create_token(tx, organization_id=organization_id, user_id=user_id, name=scope, scope=scope)
                made.append((role, scope, token.reveal()))
    yield from made


STRICTER = {"DELETE /tokens/{token}": {403}}
"""What asks for more than its gate: with scope read a token may end itself, and no other."""


def may(role: Role, scope: Scope, operation: Operation) -> bool:
    """Say whether the gate lets them pass: both the role and the scope have to allow it."""
    return operation.access in ROLE_PERMISSIONS[role] & PERMISSIONS[scope]


@pytest.mark.parametrize("operation", WITH_OBJECT, ids=str)
def test_no_role_and_no_scope_opens_the_object_of_another_organization(api: Api, ids: dict[str, str], operation: Operation) -> None:
    other = api.somebody()
    for role, scope, token in credentials(api, other.organization_id):
        status, code = call(api, operation, operation.filled(**ids), token)
        expected = {404} if may(role, scope, operation) else {403}
        assert status in expected | STRICTER.get(str(operation), set()), (role, scope)
        assert code in NOT_FOUND | {"insufficient_scope"}


@pytest.mark.parametrize("operation", SCOPED, ids=str)
def test_in_ones_own_organization_the_role_and_the_scope_decide(api: Api, ids: dict[str, str], operation: Operation) -> None:
    missing = {**dict.fromkeys(ids, "nobody"), "deployment": "dep_0000000000000000", "hostname": "nobody.test", "number": "9"}
    for role, scope, token in credentials(api, api.owner.organization_id):
        if not may(role, scope, operation):
            assert call(api, operation, operation.filled(**ids), token) == (403, "insufficient_scope"), (role, scope)
        elif "{" in operation.path:  # an object that is not there: nothing is changed, and the gate was passed
            assert call(api, operation, operation.filled(**missing), token)[0] in {404} | STRICTER.get(str(operation), set()), (role, scope)


def test_who_may_not_upload_is_told_before_the_archive_is_taken(api: Api, ids: dict[str, str]) -> None:
    """A body is not even read for somebody without a token: else anybody could fill the disk."""
    head = "POST /v1/projects/{project}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 900000\r\n\r\n"
    with api.connection() as connection:
        connection.sock.sendall(head.format(project=ids["project"], kind=FORM["Content-Type"]).encode())  # and not one byte of the body
        connection.sock.settimeout(5)
        assert b" 401 " in connection.sock.recv(4096).split(b"\r\n", 1)[0]
