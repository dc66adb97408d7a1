"""HTTP for what the API announces and this version cannot do yet: a clear answer, to whoever may ask, about an object that is theirs.

None of it is in the description of the API. When one of them is built, its line here goes.
"""

from collections.abc import Callable

from canonry.core.access import Permission
from canonry.core.errors import Unbuilt
from canonry.features import projects
from canonry.features.deployments import service
from canonry.http.deps import ActorDep, TxDep
from canonry.http.routing import Routes

router = Routes(include_in_schema=False)

_READ, _DEPLOY, _MANAGE = Permission.PROJECTS_READ, Permission.PROJECTS_DEPLOY, Permission.ORG_MANAGE

_ABSENT = (
    ("GET", "/projects/{project}/cache", _READ, "The edge cache", "What an app sends with Cache-Control is kept by browsers already."),
    ("PATCH", "/projects/{project}/cache", _DEPLOY, "The edge cache", "Let the app send Cache-Control."),
    ("POST", "/projects/{project}/cache/purge", _DEPLOY, "The edge cache", "Nothing is kept at the edge, so nothing has to be purged."),
    ("GET", "/deployments/{deployment}/screenshot", _READ, "A picture of a deployment", "Open its `url`."),
    ("GET", "/domains", _READ, "The list of bought domains", "Attach one you own: POST /v1/projects/{project}/domains."),
    ("GET", "/domains/search", _READ, "The search for domains", "Buy one at a registrar and attach it."),
    ("POST", "/domains/purchase", _MANAGE, "Buying domains", "Buy one at a registrar and attach it."),
    ("GET", "/billing", _READ, "Billing", "Nothing costs anything here."),
    ("POST", "/billing/card", _MANAGE, "Billing", "Nothing costs anything here."),
    ("POST", "/billing/subscription", _MANAGE, "Billing", "Nothing costs anything here."),
    ("DELETE", "/billing/subscription", _MANAGE, "Billing", "Nothing costs anything here."),
)


def _refuse(what: str, hint: str) -> Unbuilt:
    return Unbuilt("not_available_yet", f"{what} is not available in this version of Canonry yet.", hint=hint)


def _refusal(path: str, what: str, hint: str) -> Callable[..., None]:
    def of_project(project: str, actor: ActorDep, tx: TxDep) -> None:
        projects.find(tx, actor, project)
        raise _refuse(what, hint)

    def of_deployment(deployment: str, actor: ActorDep, tx: TxDep) -> None:
        service.find(tx, actor, deployment)
        raise _refuse(what, hint)

    def of_account(_actor: ActorDep) -> None:
        raise _refuse(what, hint)

    if "{project}" in path:
        return of_project
    return of_deployment if "{deployment}" in path else of_account


for _method, _path, _permission, _what, _hint in _ABSENT:
    router.operation(_method, _path, _permission, errors=(501,))(_refusal(_path, _what, _hint))
