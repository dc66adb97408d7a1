"""Claims on hostnames, and the hosts that follow from them. Looks at no DNS: `verification.py` does."""

from collections.abc import Iterable

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.errors import CanonryError, Conflict, NotFound
from canonry.core.hosts import parse_domain
from canonry.core.ids import new_id
from canonry.core.settings import Settings
from canonry.features import projects, traffic
from canonry.features.domains import store
from canonry.features.domains.events import DomainAttached, DomainDetached, DomainLost, DomainVerified, PrimaryDomainChosen
from canonry.features.domains.models import Domain, Kind
from canonry.features.domains.rules import MOST_OF_A_PROJECT, RESERVED_HOURS, subdomain_of
from canonry.features.projects import PRODUCTION, Project
from canonry.infra.tx import Tx


def list_of(tx: Tx, actor: Actor, key: str) -> tuple[Project, list[Domain]]:
    """Return a project of the caller's and its claims."""
    project = projects.find(tx, actor, key)
    return project, store.of_project(tx, project.id)


def find(tx: Tx, actor: Actor, key: str, hostname: str) -> tuple[Project, Domain]:
    """Return a project of the caller's and its claim on a name. Raises: NotFound `project_not_found`, `domain_not_found`."""
    project = projects.find(tx, actor, key)
    found = store.find(tx, project.id, normal(hostname))
    if found is None:
        raise not_found(project, hostname)
    return project, found


def normal(hostname: str) -> str:
    """Return a name from a path as it would be stored; what is no name comes back as something that is not stored."""
    try:
        return parse_domain(hostname)
    except CanonryError:
        return ""


def not_found(project: Project, hostname: str) -> NotFound:
    """Return the error for a name that the project does not have."""
    return NotFound("domain_not_found", f"The project {project.slug} has no domain {hostname[:80]!r}.",
                    hint=f"canonry domains ls --project {project.slug} lists them.")  # fmt: skip


def blocker(tx: Tx, actor: Actor, project: Project, hostname: str) -> Domain | None:
    """Return another organization's claim that keeps the caller from this name, None when there is none.

    Raises: Conflict `domain_exists` (this project has it), `domain_taken` (another project of the same organization).
    """
    found = store.blocking(tx, hostname, actor.organization_id, RESERVED_HOURS)
    if found is None or found.organization_id != actor.organization_id:
        return found
    if found.project_id == project.id:
        raise Conflict("domain_exists", f"The project {project.slug} has {hostname} already.", hint="canonry domains info shows it.")
    raise Conflict("domain_taken", f"{hostname} is attached to another project of {actor.organization_handle}.",
                   hint="Take it away there first.")  # fmt: skip


def add(tx: Tx, actor: Actor, project: Project, hostname: str, kind: Kind, token: str, *, redirect: bool) -> Domain:
    """Add a claim; whether it may be made was asked before. Raises: Conflict `too_many_domains`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    if len(store.of_project(tx, project.id)) >= MOST_OF_A_PROJECT:
        raise Conflict("too_many_domains", f"A project can have {MOST_OF_A_PROJECT} domains and aliases.", hint="Take away unused ones.")
    store.insert(tx, Domain(
        id=new_id("dom"), organization_id=project.organization_id, project_id=project.id, hostname=hostname, kind=kind, token=token,
        verified_at=None, is_primary=False, redirect=redirect, points_here=None, checks=(), checked_at=None, next_check_at=None,
        unsuccessful=0, ssl_status="pending", ssl_error="", ssl_expires_at=None, ssl_failures=0, created_at=now(),
    ))  # fmt: skip
    tx.emit(DomainAttached(project.organization_id, project.id, hostname), after={"kind": str(kind)})
    found = store.find(tx, project.id, hostname)
    if found is None:  # not reached: it was inserted in this transaction
        raise not_found(project, hostname)
    return found


def prove(tx: Tx, domain: Domain, texts: Iterable[str]) -> bool:
    """Note that a claim is proved, and say whether it is now.

    Another organization that has proved the same name keeps it as long as its own TXT record is still there; else the name has changed
    hands. texts: all TXT records at the name.
    """
    store.lock(tx, domain.hostname)
    holder = store.verified(tx, domain.hostname)
    if holder is not None and holder.id != domain.id:
        if holder.token in texts:
            return False
        store.update(tx, holder.id, {"verified_at": None, "is_primary": False, "next_check_at": None, "ssl_status": "pending"})
        tx.emit(DomainLost(holder.organization_id, holder.project_id, holder.hostname))
    if not domain.is_verified:
        store.update(tx, domain.id, {"verified_at": now(), "unsuccessful": 0, "ssl_next_try_at": now()})
        tx.emit(DomainVerified(domain.organization_id, domain.project_id, domain.hostname))
    return True


def make_primary(tx: Tx, project: Project, domain: Domain | None, settings: Settings) -> None:
    """Make a domain the one that the others redirect to; None: the free subdomain. Raises: Conflict `domain_not_verified`."""
    if domain is not None and not domain.is_verified:
        raise Conflict("domain_not_verified", f"{domain.hostname} is not verified, so nobody can be sent there.",
                       hint=f"Make its DNS records, then: canonry domains verify {domain.hostname}")  # fmt: skip
    rows = store.of_project(tx, project.id)
    before = next((row.hostname for row in rows if row.is_primary), subdomain_of(project, settings))
    after = domain.hostname if domain is not None else subdomain_of(project, settings)
    store.set_primary(tx, project.id, domain.id if domain is not None else None)
    tx.emit(PrimaryDomainChosen(project.organization_id, project.id, after), before={"primary": before}, after={"primary": after})


def remove(tx: Tx, domain: Domain) -> None:
    """Forget a claim."""
    store.delete(tx, domain.id)
    tx.emit(DomainDetached(domain.organization_id, domain.project_id, domain.hostname))


def arrange_hosts(tx: Tx, project: Project, settings: Settings) -> set[str]:
    """Let the hosts of a project follow from its claims; return the projects whose hosts have changed, this one included.

    A proved name is the project's, whoever had it. An alias that is not proved is served only while nobody else has the name.
    Whoever changes claims before, in the same transaction, holds the project from then on: `store.lock`.
    """
    store.lock(tx, project.id)  # else what is chosen as primary after this look is overwritten
    changed = {project.id}
    rows = store.of_project(tx, project.id)
    subdomain = subdomain_of(project, settings)
    # While none is chosen, the free subdomain counts as primary, but nobody wants visitors of a domain of theirs to be sent there.
    primary = next((row.hostname for row in rows if row.is_primary and row.is_verified), None)
    for row in rows:
        if not _arrange(tx, project, row, settings, changed):
            continue
        traffic.set_redirect(tx, row.hostname, project.id, primary if row.redirect and row.hostname != primary else None)
    if store.redirects_subdomain(tx, project.id) and primary is not None:
        traffic.claim(tx, subdomain, project.id, PRODUCTION)
        traffic.set_redirect(tx, subdomain, project.id, primary)
    else:
        traffic.set_redirect(tx, subdomain, project.id, None)
    return changed


def _arrange(tx: Tx, project: Project, row: Domain, settings: Settings, changed: set[str]) -> bool:
    """Give the project the host of a claim, if it may have it; say whether it has it."""
    if row.is_verified:
        former = traffic.take_over(tx, row.hostname, project.id, PRODUCTION)
        changed |= {former} if former else set()
        return True
    if row.kind != Kind.ALIAS or settings.aliases_need_proof or store.verified(tx, row.hostname) is not None:
        return False
    try:
        traffic.claim(tx, row.hostname, project.id, PRODUCTION)
    except Conflict:
        return False  # an earlier alias of another project, whose claim is not proved either
    return True
