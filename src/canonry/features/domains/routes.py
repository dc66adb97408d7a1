"""HTTP for domains and aliases."""

from canonry.core.access import Actor, Permission
from canonry.features.domains import service, store, verification
from canonry.features.domains.models import Domain, Kind
from canonry.features.domains.rules import subdomain_of
from canonry.features.domains.schemas import (
    AliasBody,
    AliasesAnswer,
    AttachAlias,
    AttachDomain,
    ChoosePrimary,
    DomainAnswer,
    DomainsAnswer,
    VerifyAnswer,
    alias_body,
    answer_of,
    body_of,
    list_of,
)
from canonry.features.projects import Project
from canonry.http.conduct import settle
from canonry.http.deps import ActorDep, Services, ServicesDep, TxDep
from canonry.http.routing import Routes
from canonry.infra.tx import Tx

router = Routes(tags=["Domains"])


@router.operation("GET", "/projects/{project}/domains", Permission.PROJECTS_READ)
def list_domains(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> DomainsAnswer:
    """List the names of a project: the free subdomain, attached domains and aliases."""
    return _all_of(project, actor, tx, services)[1]


@router.operation("POST", "/projects/{project}/domains", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409,))
def attach_domain(project: str, body: AttachDomain, actor: ActorDep, services: ServicesDep) -> DomainAnswer:
    """Attach a domain; the answer says which DNS records to make. It is served once it is verified."""

    def settled(tx: Tx, found: Project, domain: Domain) -> None:
        settle(tx, services, answer_of(body_of(domain, found, services.settings)), 201)

    found, domain = verification.attach(
        services, actor, project, body.hostname, Kind.CUSTOM, redirect=body.redirect, field="body.hostname", settled=settled
    )
    return answer_of(body_of(domain, found, services.settings))


@router.operation("GET", "/projects/{project}/domains/{hostname}", Permission.PROJECTS_READ)
def get_domain(project: str, hostname: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> DomainAnswer:
    """Show one domain, with what the last look at its DNS found."""
    found, answer = _all_of(project, actor, tx, services)
    name = service.normal(hostname)
    for body in answer.domains:
        if body.hostname in {name, hostname.lower()}:
            return answer_of(body)
    raise service.not_found(found, hostname)


@router.operation("POST", "/projects/{project}/domains/{hostname}/verify", Permission.PROJECTS_DEPLOY, repeatable=True)
def verify_domain(project: str, hostname: str, actor: ActorDep, services: ServicesDep) -> VerifyAnswer:
    """Look at the DNS now. Records that are not there (yet) are no error: `checks` says what was found."""
    with services.transactions.begin() as tx:
        found, answer = _all_of(project, actor, tx, services)
    if hostname.lower() == subdomain_of(found, services.settings):
        return VerifyAnswer(domain=answer.domains[0], verified=True, checks=[])
    found, domain = verification.verify(services, actor, project, hostname)
    body = body_of(domain, found, services.settings)
    return VerifyAnswer(domain=body, verified=body.verified, checks=body.checks)


@router.operation("POST", "/projects/{project}/domains/{hostname}/primary", Permission.PROJECTS_DEPLOY, errors=(409,), repeatable=True)
def choose_primary(project: str, hostname: str, actor: ActorDep, services: ServicesDep, body: ChoosePrimary | None = None) -> DomainAnswer:
    """Make a host the primary one; other custom domains redirect to it (308), path and query kept."""
    chosen = body or ChoosePrimary()
    found, domain = verification.choose_primary(
        services, actor, project, hostname, redirect=chosen.redirect, redirect_subdomain=chosen.redirect_subdomain
    )
    if domain is not None:
        return answer_of(body_of(domain, found, services.settings))
    with services.transactions.begin() as tx:
        return answer_of(_all_of(project, actor, tx, services)[1].domains[0])


@router.operation("DELETE", "/projects/{project}/domains/{hostname}", Permission.PROJECTS_DEPLOY, status_code=204, errors=(409,))
def detach_domain(project: str, hostname: str, actor: ActorDep, services: ServicesDep) -> None:
    """Take a name away from a project: it is served no more, and can be attached elsewhere."""
    verification.detach(services, actor, project, hostname)


@router.operation("GET", "/projects/{project}/aliases", Permission.PROJECTS_READ)
def list_aliases(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> AliasesAnswer:
    """List the aliases of a project."""
    found, rows = service.list_of(tx, actor, project)
    return AliasesAnswer(aliases=[alias_body(row, found, services.settings) for row in rows if row.kind == Kind.ALIAS])


@router.operation("POST", "/projects/{project}/aliases", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409,))
def attach_alias(project: str, body: AttachAlias, actor: ActorDep, services: ServicesDep) -> AliasBody:
    """Attach a further hostname, which is served at once (without a certificate until it is verified)."""
    field = "body.hostname" if body.hostname is not None else "body.domain"

    def settled(tx: Tx, found: Project, domain: Domain) -> None:
        settle(tx, services, alias_body(domain, found, services.settings), 201)

    found, domain = verification.attach(services, actor, project, body.name, Kind.ALIAS, redirect=False, field=field, settled=settled)
    return alias_body(domain, found, services.settings)


@router.operation("DELETE", "/projects/{project}/aliases/{hostname}", Permission.PROJECTS_DEPLOY, status_code=204, errors=(409,))
def detach_alias(project: str, hostname: str, actor: ActorDep, services: ServicesDep) -> None:
    """Take an alias away."""
    verification.detach(services, actor, project, hostname, kind=Kind.ALIAS)


def _all_of(key: str, actor: Actor, tx: Tx, services: Services) -> tuple[Project, DomainsAnswer]:
    """Return a project and all its names, the free subdomain first."""
    project, rows = service.list_of(tx, actor, key)
    settings = services.settings
    certificate = services.ports.certificates.find(subdomain_of(project, settings)) if settings.tls_is_on else None
    redirects = store.redirects_subdomain(tx, project.id)
    return project, list_of(project, rows, settings, certificate, subdomain_redirects=redirects)
