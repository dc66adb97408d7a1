"""From a claim to a host that is served: attach, look at the DNS, prove, choose the primary one, give up.

No transaction is held while the DNS is asked. When a function returns, the edge follows: what was proved is served, what was given up
is not.

Whose a name is, is proved by a TXT record alone. A CNAME or an address that leads here proves nothing: both stay behind when a project
is deleted, and then anybody could claim the name. Who can write the TXT record of a name gets it, also from somebody who claimed it
before, or who had proved it once and whose record is gone.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.errors import Conflict
from canonry.core.hosts import parse_domain
from canonry.features import deployments, projects
from canonry.features.domains import certificates, service, store
from canonry.features.domains.context import Context
from canonry.features.domains.models import Assessment, Domain, Kind
from canonry.features.domains.rules import (
    GIVE_UP_DAYS,
    assess,
    check_attachable,
    minutes_to_next_check,
    ownership_name,
    ownership_token,
    subdomain_of,
)
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.dns import DnsAnswer

type Settled = Callable[[Tx, Project, Domain], None]

_KEY = "domain ownership"
_LETS_ENCRYPT = "letsencrypt.org"


def attach(
    context: Context, actor: Actor, key: str, hostname: str, kind: Kind, *, redirect: bool, field: str, settled: Settled
) -> tuple[Project, Domain]:
    """Claim a hostname for a project. settled: called in the transaction that does it.

    Raises: Invalid `invalid_hostname`, `reserved_hostname`; Conflict `domain_exists`, `domain_taken`, `too_many_domains`; NotFound.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
    name = parse_domain(hostname, field)
    check_attachable(name, context.settings, field)
    token = ownership_token(context.vault.key_for(_KEY), project.organization_id, name)
    with context.transactions.begin() as tx:
        holder = service.blocker(tx, actor, project, name)
    texts = context.ports.dns.texts(ownership_name(name)).values if holder is not None else ()
    with context.transactions.begin() as tx:
        store.lock(tx, name)
        store.lock(tx, project.id)
        holder = service.blocker(tx, actor, project, name)
        if holder is not None and (token not in texts or (holder.is_verified and holder.token in texts)):
            raise _taken(name, token)
        domain = service.add(tx, actor, project, name, kind, token, redirect=redirect)
        if token in texts:
            service.prove(tx, domain, texts)
        store.update(tx, domain.id, {"next_check_at": now()})
        changed = service.arrange_hosts(tx, project, context.settings)
        domain = store.get(tx, domain.id) or domain
        settled(tx, project, domain)
    _lead(context, changed, project)
    return project, domain


def verify(context: Context, actor: Actor, key: str, hostname: str) -> tuple[Project, Domain]:
    """Look at the DNS now, write down what is found, and serve the name when it is proved. Raises: NotFound."""
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project, domain = service.find(tx, actor, key, hostname)
    return project, look(context, project, domain) or domain


def look(context: Context, project: Project, domain: Domain) -> Domain | None:
    """Look at the DNS of a claim and follow what it says; return the claim as it is then, None when it is gone meanwhile.

    A claim that is proved stays so when the record is gone later: what somebody's visitors see must not hang on a name server's bad day.
    """
    found = _ask(context, project, domain)
    with context.transactions.begin() as tx:
        store.lock(tx, domain.hostname)
        store.lock(tx, project.id)
        current = store.get(tx, domain.id)
        if current is None:
            return None
        store.record_checks(tx, domain.id, found.checks, found.points_here, now())
        is_proved = bool(found.owned) and service.prove(tx, current, found.texts)
        store.update(tx, domain.id, _next_look(current, verified=is_proved or current.is_verified, success=is_proved))
        newly = is_proved and not current.is_verified
        changed = service.arrange_hosts(tx, project, context.settings) if newly else set()
    _lead(context, changed, project)
    with context.transactions.begin() as tx:
        return store.get(tx, domain.id)


def choose_primary(
    context: Context, actor: Actor, key: str, hostname: str, *, redirect: bool | None, redirect_subdomain: bool | None
) -> tuple[Project, Domain | None]:
    """Make a host of a project the primary one, to which the others redirect; the free subdomain too, or None for it.

    redirect: whether the other custom domains redirect; redirect_subdomain: whether the free one does; None: as before.
    Raises: NotFound `domain_not_found`; Conflict `domain_not_verified`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        domain = store.find(tx, project.id, service.normal(hostname))
        if domain is None and hostname.lower() != subdomain_of(project, context.settings):
            raise service.not_found(project, hostname)
        store.lock(tx, project.id)
        service.make_primary(tx, project, domain, context.settings)
        if redirect is not None:
            store.set_redirects(tx, project.id, redirect=redirect)
        if redirect_subdomain is not None:
            store.set_subdomain_redirect(tx, project.id, redirect=redirect_subdomain)
        changed = service.arrange_hosts(tx, project, context.settings)
        domain = store.get(tx, domain.id) if domain is not None else None
    _lead(context, changed, project)
    return project, domain


def detach(context: Context, actor: Actor, key: str, hostname: str, *, kind: Kind | None = None) -> None:
    """Give a hostname up: it is served no more, and can be attached elsewhere at once. kind: only one of that kind.

    Raises: NotFound `domain_not_found`; Conflict `subdomain_stays` for the free subdomain.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        if hostname.lower() == subdomain_of(project, context.settings):
            raise Conflict("subdomain_stays", f"{hostname.lower()} is the free address of {project.slug}: it goes with the project.",
                           hint="canonry projects stop takes the site away; another domain can be the primary one.")  # fmt: skip
        _, domain = service.find(tx, actor, key, hostname)
        if kind is not None and domain.kind != kind:
            raise service.not_found(project, hostname)
    deployments.leave(context, project.id, domain.hostname, lambda tx: service.remove(tx, domain))
    certificates.tidy_one(context, domain.hostname)
    with context.transactions.begin() as tx:
        changed = service.arrange_hosts(tx, project, context.settings)
    _lead(context, changed, project)


def _ask(context: Context, project: Project, domain: Domain) -> Assessment:
    """Ask everything at the same time: name servers that do not answer take seconds each."""
    dns, settings = context.ports.dns, context.settings
    subdomain, name = subdomain_of(project, settings), domain.hostname
    authority = _LETS_ENCRYPT if settings.uses_lets_encrypt else ""
    with ThreadPoolExecutor(4, thread_name_prefix="dns") as pool:
        texts, found = pool.submit(dns.texts, ownership_name(name)), pool.submit(dns.addresses, name)
        authorities = pool.submit(dns.authorities, name) if authority else None
        ours = settings.public_address_list or pool.submit(dns.addresses, subdomain).result().values
        return assess(
            name, domain.token, texts.result(), found.result(), authorities.result() if authorities else DnsAnswer(fault="no_record"),
            subdomain=subdomain, ours=ours, authority=authority,
        )  # fmt: skip


def _next_look(domain: Domain, *, verified: bool, success: bool) -> dict[str, object]:
    """Return when to look again; a claim that nobody proves for days is looked at only when somebody asks."""
    unsuccessful = 0 if success else domain.unsuccessful + 1
    if not verified and now() - domain.created_at > timedelta(days=GIVE_UP_DAYS):
        return {"unsuccessful": unsuccessful, "next_check_at": None}
    wait = timedelta(minutes=minutes_to_next_check(unsuccessful, verified=verified))
    return {"unsuccessful": unsuccessful, "next_check_at": now() + wait}


def _lead(context: Context, changed: set[str], project: Project) -> None:
    """Let the edge follow: first those who had one of the hosts, so that nobody leads it back after its new owner has led it here."""
    for project_id in changed - {project.id}:
        with context.transactions.begin() as tx:
            service.arrange_hosts(tx, projects.get_any(tx, project_id), context.settings)
        deployments.lead_project(context, project_id)
    if changed:
        deployments.lead_project(context, project.id)


def _taken(hostname: str, token: str) -> Conflict:
    return Conflict("domain_taken", f"{hostname} is attached to somebody else's project.",
                    hint=f"If it is yours, prove it: make the TXT record {ownership_name(hostname)} with the value {token}, "
                         "take away another one that begins with canonry-, and try again.")  # fmt: skip
