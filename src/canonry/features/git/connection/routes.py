"""HTTP for the connection of a project to an outside repository."""

from canonry.core.access import Actor, Permission
from canonry.core.secret import Secret
from canonry.features import projects
from canonry.features.git.connection import service
from canonry.features.git.connection.models import Wanted
from canonry.features.git.connection.schemas import (
    ConnectedAnswer,
    ConnectionAnswer,
    ConnectRequest,
    RotatedAnswer,
    connection_body,
    project_fields,
    webhook_url,
)
from canonry.features.projects import Project
from canonry.http.conduct import settle
from canonry.http.deps import ActorDep, Services, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Git"])

_NO_WEBHOOK: dict[str, object] = {"webhookSecret": None, "webhookUrl": None, "webhookRegistered": False}


@router.operation("GET", "/projects/{project}/git", Permission.PROJECTS_READ)
def show_connection(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ConnectionAnswer:
    """Show the repository and branch of a project, how it is read, and the status of its webhook; never a secret."""
    found, connection = service.look(tx, actor, project)
    return connection_body(found, connection, services.settings, service.link_of(tx, found))


@router.operation("POST", "/projects/{project}/git", Permission.PROJECTS_DEPLOY, status_code=201)
def connect_repository(project: str, body: ConnectRequest, actor: ActorDep, services: ServicesDep) -> ConnectedAnswer:
    """Connect a project to a repository. The webhook secret is shown once; connecting again makes a new one.

    `repo` may name a repository that Canonry hosts (`owner/name`); of several projects in one, a push deploys those it concerns.
    """
    if body.root_dir is not None:
        projects.check_settings(services.ports.builder, {"root_dir": body.root_dir})
    wanted = Wanted(body.repo, body.branch, body.auto_deploy, body.secret(), services.settings, body.root_dir)
    with services.transactions.begin() as tx:
        found, secret = service.connect(tx, actor, services.vault, project, wanted)
        shown = connection_body(found, service.connection_of(tx, found), services.settings, service.link_of(tx, found))
        fields = {**project_fields(found, services.settings), "connection": shown}
        webhook = _NO_WEBHOOK if secret is None else _not_registered(services, found, secret)
        settle(tx, services, ConnectedAnswer.model_validate({**fields, **webhook}), 201, provisional=True)
    if secret is not None:
        webhook |= _registered(services, actor, found, secret)
    return ConnectedAnswer.model_validate({**fields, **webhook})


@router.operation("DELETE", "/projects/{project}/git", Permission.PROJECTS_DEPLOY, status_code=204)
def disconnect_repository(project: str, actor: ActorDep, tx: TxDep) -> None:
    """Forget the repository of a project, its webhook secret and what it was read with. What is live stays live."""
    service.disconnect(tx, actor, project)


@router.operation("POST", "/projects/{project}/git/rotate-secret", Permission.PROJECTS_DEPLOY, status_code=201, errors=[409])
def rotate_webhook_secret(project: str, actor: ActorDep, services: ServicesDep) -> RotatedAnswer:
    """Replace the webhook secret; the old one is dead at once. The new one is shown once."""
    with services.transactions.begin() as tx:
        found, secret = service.rotate_secret(tx, actor, services.vault, project)
        fields = {**project_fields(found, services.settings), **_not_registered(services, found, secret)}
        settle(tx, services, RotatedAnswer.model_validate(fields), 201, provisional=True)
    return RotatedAnswer.model_validate({**fields, **_registered(services, actor, found, secret)})


def _not_registered(services: Services, project: Project, secret: Secret) -> dict[str, object]:
    """Return what an answer says of the webhook when Canonry is killed before it is set up at the host."""
    return {
        "webhookSecret": secret.reveal(), "webhookUrl": webhook_url(project, services.settings), "webhookRegistered": False,
        "webhookRegistrationError": "Canonry was ended while it set the webhook up. Set it up by hand, or connect again.",
    }  # fmt: skip


def _registered(services: Services, actor: Actor, project: Project, secret: Secret) -> dict[str, object]:
    """Set the webhook up at the host, where that can be done, and return what the answer says of it."""
    registered, error = service.register_webhook(
        services.transactions, services.vault, services.ports.git_host, actor, project,
        address=webhook_url(project, services.settings), secret=secret,
    )  # fmt: skip
    return {"webhookRegistered": registered, "webhookRegistrationError": error}
