"""Shapes of requests and answers about connections; camel case where the seed has it so."""

from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features.git.connection import keys
from canonry.features.git.connection.models import Connection
from canonry.features.git.sharing.models import Link
from canonry.features.projects import Project, ProjectAnswer, answer_of

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Branch = Annotated[str, StringConstraints(min_length=1, max_length=250, pattern=r"^[^\x00]*$")]


class ConnectRequest(BaseModel):
    """Body of POST /v1/projects/{project}/git."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"repo": "acme/shop", "branch": "main"}]})
    repo: Text = Field(
        validation_alias=AliasChoices("repo", "repoUrl", "repo_url"),
        description="owner/name (a repository here, else at GitHub), https://…, ssh://… or git@host:path; also `repoUrl`",
    )
    branch: Branch = Field("main", description="the branch that is deployed to production")
    auto_deploy: bool = Field(
        default=True,
        validation_alias=AliasChoices("autoDeploy", "auto_deploy"),
        description="deploy what the webhook tells of; also `autoDeploy`",
    )
    root_dir: Text | None = Field(
        None, validation_alias=AliasChoices("rootDir", "root_dir"), description="the project's folder in it; also `rootDir`"
    )
    token: Annotated[SecretStr, Field(max_length=1000)] | None = Field(
        None, description="reads a private repository over https; sealed, never shown. A `user:token` pair where the host wants a user."
    )

    def secret(self) -> Secret | None:
        """Return the token."""
        return Secret(self.token.get_secret_value()) if self.token is not None else None


class Delivery(BaseModel):
    """The last webhook whose signature was right."""

    at: str
    event: str
    outcome: str = Field(description="in words: what became of it")


class WebhookStatus(BaseModel):
    """What the host of the repository has to be told, and what it told us last; never the secret."""

    url: str = Field(description="where the host sends its webhook")
    configured: bool = Field(description="whether there is a secret")
    secretSetAt: str | None  # noqa: N815 -- as the seed writes names
    lastDelivery: Delivery | None  # noqa: N815


class PinnedServer(BaseModel):
    """An SSH server whose key was pinned when it was met first."""

    host: str
    fingerprint: str


class ConnectionAnswer(BaseModel):
    """How a project is connected."""

    connected: bool
    repository: str | None
    branch: str
    autoDeploy: bool  # noqa: N815
    access: str = Field(description="how the repository is read: public, token, deploy_key, or hosted (it lies here)")
    deployKey: str | None = Field(description="public half of the deploy key, to be added to the repository")  # noqa: N815
    knownHosts: list[PinnedServer]  # noqa: N815
    connectedAt: str | None  # noqa: N815
    webhook: WebhookStatus


class ConnectedAnswer(ProjectAnswer):
    """A project that was just connected. The secret is shown here and never again."""

    webhookSecret: str | None = Field(description="null for a repository here, which needs no webhook")  # noqa: N815
    webhookUrl: str | None  # noqa: N815
    webhookRegistered: bool = Field(description="whether Canonry could set the webhook up at the host itself")  # noqa: N815
    webhookRegistrationError: str | None = None  # noqa: N815
    connection: ConnectionAnswer


class RotatedAnswer(ProjectAnswer):
    """A project whose webhook secret was just replaced. The new one is shown here and never again."""

    webhookSecret: str  # noqa: N815
    webhookUrl: str  # noqa: N815
    webhookRegistered: bool = Field(description="whether Canonry could change the webhook at the host itself")  # noqa: N815
    webhookRegistrationError: str | None = None  # noqa: N815


def webhook_url(project: Project, settings: Settings) -> str:
    """Return where a host of repositories sends the webhook of a project. It holds the id: a slug may be somebody else's one day."""
    return f"{settings.own_url}/v1/projects/{project.id}/git/webhook"


def connection_body(project: Project, connection: Connection | None, settings: Settings, link: Link | None = None) -> ConnectionAnswer:
    """Return a connection as the API shows it."""
    if link is not None:
        return _linked_body(project, link, settings)
    own = connection if connection is not None and connection.url == project.repo_url else None
    delivered = connection.last_delivery_at if connection else None
    return ConnectionAnswer(
        connected=project.repo_url is not None,
        repository=project.repo_url,
        branch=project.repo_branch,
        autoDeploy=connection is not None and connection.auto_deploy,
        access="deploy_key" if own and own.public_key else "token" if own and own.has_token else "public",
        deployKey=own.public_key if own else None,
        knownHosts=_pinned(own.known_hosts) if own else [],
        connectedAt=connection.connected_at.isoformat() if connection else None,
        webhook=WebhookStatus(
            url=webhook_url(project, settings),
            configured=connection is not None,
            secretSetAt=connection.secret_at.isoformat() if connection else None,
            lastDelivery=Delivery(
                at=delivered.isoformat(), event=connection.last_delivery_event or "", outcome=connection.last_delivery_outcome or ""
            ) if connection and delivered else None,
        ),
    )  # fmt: skip


def _linked_body(project: Project, link: Link, settings: Settings) -> ConnectionAnswer:
    webhook = WebhookStatus(url=webhook_url(project, settings), configured=False, secretSetAt=None, lastDelivery=None)
    return ConnectionAnswer(
        connected=True, repository=link.full_name, branch=project.repo_branch, autoDeploy=link.auto_deploy, access="hosted", deployKey=None,
        knownHosts=[], connectedAt=link.connected_at.isoformat(), webhook=webhook,
    )  # fmt: skip


def project_fields(project: Project, settings: Settings) -> dict[str, object]:
    """Return the fields of an answer that holds a project, bare and wrapped."""
    return answer_of(project, settings).model_dump()


def _pinned(known_hosts: str) -> list[PinnedServer]:
    lines = [line.split() for line in known_hosts.splitlines() if line.strip() and not line.startswith(("#", "@"))]
    return [PinnedServer(host=words[0], fingerprint=keys.fingerprint(" ".join(words[1:]))) for words in lines if len(words) >= 3]
