"""Shapes of requests and answers about domains and aliases."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from canonry.core.settings import Settings
from canonry.features.domains.models import Domain, Kind
from canonry.features.domains.rules import records_for, subdomain_of
from canonry.features.projects import Project
from canonry.ports.certificates import Certificate

Hostname = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class AttachDomain(BaseModel):
    """Body of POST /v1/projects/{project}/domains. redirect: send visitors to the primary domain when that is another one."""

    model_config = ConfigDict(extra="forbid")
    hostname: Hostname
    redirect: bool = True


class ChoosePrimary(BaseModel):
    """Body of POST …/primary, which may be left out. redirect: whether the other custom domains redirect to it; null: as before.

    redirect_subdomain: whether the free subdomain does.
    """

    model_config = ConfigDict(extra="forbid")
    redirect: bool | None = None
    redirect_subdomain: bool | None = None


class AttachAlias(BaseModel):
    """Body of POST /v1/projects/{project}/aliases: the hostname, under either name."""

    hostname: Hostname | None = None
    domain: Hostname | None = None

    @model_validator(mode="after")
    def _has_one(self) -> "AttachAlias":
        if (self.hostname is None) == (self.domain is None):
            raise ValueError("give the name as hostname")
        return self

    @property
    def name(self) -> str:
        """The hostname."""
        return self.hostname or self.domain or ""


class RecordBody(BaseModel):
    """A DNS record to make."""

    type: str
    name: str
    value: str
    purpose: str = Field(description="routing: leads visitors here; ownership: proves that the name is yours")
    note: str = ""


class CheckBody(BaseModel):
    """One thing that was looked at."""

    check: str = Field(description="ownership, pointing or authority")
    type: str
    name: str
    expected: list[str]
    found: list[str]
    ok: bool
    message: str


class DomainBody(BaseModel):
    """A domain as the API shows it."""

    id: str
    hostname: str
    kind: Kind
    environment: str
    verified: bool
    verified_at: str | None
    primary: bool
    redirect: bool
    points_here: bool | None
    ssl: str = Field(description="off, pending, issuing, active or failed")
    ssl_expires_at: str | None
    ssl_error: str | None
    dns_records: list[RecordBody]
    checks: list[CheckBody]
    checked_at: str | None
    created_at: str
    projectId: str  # noqa: N815 -- Cantila's own name
    sslActive: bool  # noqa: N815 -- likewise
    createdAt: str  # noqa: N815 -- likewise


class DomainAnswer(DomainBody):
    """One domain, bare and wrapped."""

    domain: DomainBody


class DomainsAnswer(BaseModel):
    """The domains of a project: the free subdomain first."""

    domains: list[DomainBody]


class VerifyAnswer(BaseModel):
    """What a look at the DNS found."""

    domain: DomainBody
    verified: bool
    checks: list[CheckBody]


class AliasRecord(BaseModel):
    """The record that leads an alias here."""

    type: str
    name: str
    value: str


class AliasBody(BaseModel):
    """An alias as the API shows it."""

    id: str
    domain: str
    hostname: str
    dns: AliasRecord
    ssl: str
    verified: bool
    ownership: AliasRecord = Field(description="proves that the name is yours: then it gets a certificate")
    created_at: str


class AliasesAnswer(BaseModel):
    """The aliases of a project."""

    aliases: list[AliasBody]


def subdomain_body(project: Project, settings: Settings, certificate: Certificate | None, *, primary: bool, redirect: bool) -> DomainBody:
    """Return the free subdomain of a project as the API shows it; it gets its certificate at the first visit."""
    made = project.created_at.isoformat()
    ssl = _ssl("active" if certificate else "pending", settings)
    return DomainBody(
        id=f"dom_{project.id.removeprefix('prj_')}", hostname=subdomain_of(project, settings), kind=Kind.SUBDOMAIN,
        environment="production", verified=True, verified_at=made, primary=primary, redirect=redirect, points_here=None, ssl=ssl,
        ssl_expires_at=certificate.expires_at.isoformat() if certificate else None, ssl_error=None, dns_records=[], checks=[],
        checked_at=None, created_at=made, projectId=project.id, sslActive=ssl == "active", createdAt=made,
    )  # fmt: skip


def body_of(domain: Domain, project: Project, settings: Settings) -> DomainBody:
    """Return a domain as the API shows it."""
    fields: dict[str, Any] = {name: getattr(domain, name) for name in DomainBody.model_fields if hasattr(domain, name)}
    for name in ("verified_at", "checked_at", "created_at", "ssl_expires_at"):
        fields[name] = None if fields[name] is None else fields[name].isoformat()
    ssl = _ssl(domain.ssl_status, settings)
    fields |= {
        "environment": "production", "verified": domain.is_verified, "primary": domain.is_primary, "ssl": ssl,
        "ssl_error": domain.ssl_error or None, "checks": [CheckBody.model_validate(check) for check in domain.checks],
        "dns_records": _records(domain, project, settings), "projectId": domain.project_id, "sslActive": ssl == "active",
        "createdAt": fields["created_at"],
    }  # fmt: skip
    return DomainBody(**fields)


def answer_of(body: DomainBody) -> DomainAnswer:
    """Return a domain for an answer that holds just one."""
    return DomainAnswer(**body.model_dump(), domain=body)


def list_of(
    project: Project, domains: Sequence[Domain], settings: Settings, certificate: Certificate | None, *, subdomain_redirects: bool
) -> DomainsAnswer:
    """Return every domain of a project, the free one first; exactly one is primary. certificate: of the free one."""
    primary = not any(row.is_primary for row in domains)
    free = subdomain_body(project, settings, certificate, primary=primary, redirect=subdomain_redirects)
    return DomainsAnswer(domains=[free, *(body_of(row, project, settings) for row in domains)])


def alias_body(domain: Domain, project: Project, settings: Settings) -> AliasBody:
    """Return an alias as the API shows it."""
    proof = next(record for record in _records(domain, project, settings) if record.purpose == "ownership")
    return AliasBody(
        id=domain.id, domain=domain.hostname, hostname=domain.hostname, ssl=_ssl(domain.ssl_status, settings), verified=domain.is_verified,
        dns=AliasRecord(type="CNAME", name=domain.hostname, value=subdomain_of(project, settings)),
        ownership=AliasRecord(type=proof.type, name=proof.name, value=proof.value), created_at=domain.created_at.isoformat(),
    )  # fmt: skip


def _records(domain: Domain, project: Project, settings: Settings) -> list[RecordBody]:
    records = records_for(domain.hostname, subdomain_of(project, settings), domain.token, settings.public_address_list)
    return [RecordBody(**asdict(record)) for record in records]


def _ssl(status: str, settings: Settings) -> str:
    return status if settings.tls_is_on else "off"
