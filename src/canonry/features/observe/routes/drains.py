"""HTTP for log drains."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, model_validator

from canonry.core.access import Permission
from canonry.core.secret import Secret
from canonry.features.observe.drains import service
from canonry.features.observe.drains.service import Health, Wish
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Deployments"])

Url = Annotated[
    SecretStr, Field(min_length=1, max_length=2000, examples=["https://logs.example.com/ingest", "tls://logs.example.com:6514"])
]
Word = Annotated[SecretStr, Field(min_length=1, max_length=4000)]
_WORD = re.compile(r"[\x21-\x7e]+")


class CreateDrain(BaseModel):
    """Body of POST …/drains.

    http: batches are POSTed to `url` as JSON lines, or (format json) as an array; `token` makes a Bearer header, `username` and `password`
    a Basic one. syslog: `url` is tls://, tcp:// or udp://host:port; `ca` are certificates (PEM) for a tls server of your own.
    environment: only that one (production, preview/<branch>, or preview for all of those), all when absent.
    """

    model_config = ConfigDict(extra="forbid")
    kind: Literal["http", "syslog"]
    url: Url
    environment: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    format: Literal["ndjson", "json"] | None = None
    gzip: StrictBool | None = None
    token: Word | None = None
    username: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^:\x00-\x1f\x7f]+$")] | None = None
    password: Annotated[SecretStr, Field(max_length=4000)] | None = None
    ca: Annotated[str, Field(max_length=100_000)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "CreateDrain":
        """Refuse what would have no effect."""
        for name in ("format", "gzip", "token", "username", "password"):
            if self.kind == "syslog" and getattr(self, name) is not None:
                raise ValueError(f"{name} is for http drains only")
        if self.token is not None and not _WORD.fullmatch(self.token.get_secret_value()):
            raise ValueError("token must be one word of printable ASCII characters")
        if self.token is not None and self.username is not None:
            raise ValueError("token and username cannot both be given")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self

    def wish(self) -> Wish:
        """Return it as the service takes it."""
        authorization = None
        if self.token is not None:
            authorization = Secret(f"Bearer {self.token.get_secret_value()}")
        elif self.username is not None and self.password is not None:
            authorization = service.basic(self.username, Secret(self.password.get_secret_value()))
        return Wish(self.kind, Secret(self.url.get_secret_value()), self.environment, self.format or "ndjson", bool(self.gzip),
                    authorization, self.ca)  # fmt: skip


class DrainBody(BaseModel):
    """A log drain and how it does.

    target: without path and query, which may hold a token. status: waiting (nothing was sent yet), ok or failing. lag_bytes: of log that is
    yet to be sent. last_error stays until you remove the drain; next_try_at: when a failing one is tried again.
    """

    id: str
    kind: str
    target: str
    environment: str | None
    format: str
    gzip: bool
    has_authorization: bool
    status: str
    created_at: str
    sent_lines: int
    lag_bytes: int
    last_sent_at: str | None
    last_error: str | None
    last_error_at: str | None
    next_try_at: str | None


class DrainAnswer(BaseModel):
    """One log drain."""

    drain: DrainBody


class DrainsAnswer(BaseModel):
    """The log drains of a project, the oldest first."""

    drains: list[DrainBody]


@router.operation("GET", "/projects/{project}/drains", Permission.PROJECTS_READ)
def list_drains(project: str, actor: ActorDep, services: ServicesDep) -> DrainsAnswer:
    """List the log drains of a project."""
    return DrainsAnswer(drains=[_body(health) for health in service.listed(services, actor, project)])


@router.operation("POST", "/projects/{project}/drains", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409,))
def create_drain(project: str, body: CreateDrain, actor: ActorDep, tx: TxDep, services: ServicesDep) -> DrainAnswer:
    """Send what the instances of a project write from now on to a collector of yours."""
    return DrainAnswer(drain=_body(service.create(tx, services, actor, project, body.wish())))


@router.operation("GET", "/projects/{project}/drains/{drain}", Permission.PROJECTS_READ)
def get_drain(project: str, drain: str, actor: ActorDep, services: ServicesDep) -> DrainAnswer:
    """Show a log drain, and how it does."""
    return DrainAnswer(drain=_body(service.find(services, actor, project, drain)))


@router.operation("DELETE", "/projects/{project}/drains/{drain}", Permission.PROJECTS_DEPLOY, status_code=204)
def remove_drain(project: str, drain: str, actor: ActorDep, tx: TxDep) -> None:
    """Remove a log drain."""
    service.remove(tx, actor, project, drain)


def _body(health: Health) -> DrainBody:
    drain = health.drain
    moments = {
        name: None if moment is None else moment.isoformat()
        for name, moment in (
            ("last_sent_at", drain.last_sent_at),
            ("last_error_at", drain.last_error_at),
            ("next_try_at", drain.next_try_at),
        )
    }
    return DrainBody(
        id=drain.id, kind=drain.kind, target=drain.shown_target, environment=drain.environment, format=drain.format, gzip=drain.gzip,
        has_authorization=drain.sealed_authorization is not None, status=drain.status, created_at=drain.created_at.isoformat(),
        sent_lines=drain.sent_lines, lag_bytes=health.lag_bytes, last_error=drain.last_error, **moments,
    )  # fmt: skip
