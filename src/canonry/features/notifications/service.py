"""Use cases: what somebody wants to know; whom a deployment that ended is news for."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from canonry.core.access import Actor
from canonry.features import accounts, deployments
from canonry.features.notifications import store
from canonry.features.notifications.events import NotificationsChanged
from canonry.features.notifications.models import Wish, Wishes
from canonry.features.notifications.rules import defaults, wants_failure
from canonry.infra.tx import Tx


def wishes_of(tx: Tx, actor: Actor) -> Wishes:
    """Return what the caller is told in their organization."""
    return store.wishes(tx, actor.organization_id, actor.user_id) or defaults(actor.role)


def is_reachable(tx: Tx, actor: Actor) -> bool:
    """Say whether mail to the caller goes out at all: their address is verified and a real one."""
    return any(person.user_id == actor.user_id for person in accounts.reachable_members(tx, actor.organization_id))


def change(tx: Tx, actor: Actor, changes: Mapping[str, Wish | bool]) -> Wishes:
    """Change what the caller is told; what is not named stays."""
    before = wishes_of(tx, actor)
    after = replace(before, **changes)  # type: ignore[arg-type]  # the names and types are those of the schema
    if after != before:
        store.set_wishes(tx, actor.organization_id, actor.user_id, after)
        tx.emit(NotificationsChanged(actor.organization_id, actor.user_id), before=asdict(before), after=asdict(after))
    return after


def note_failure(tx: Tx, deployment: deployments.Deployment) -> list[str]:
    """Add the news that a deployment failed for everybody who wants to know, and return who that is."""
    told = []
    for person in accounts.reachable_members(tx, deployment.organization_id):
        wishes = store.wishes(tx, deployment.organization_id, person.user_id) or defaults(person.role)
        if wants_failure(wishes, deployment.environment, own=deployment.created_by == person.user_id):
            _add(tx, deployment, person.user_id, "failed")
            told.append(person.user_id)
    return told


def note_success(tx: Tx, deployment: deployments.Deployment) -> list[str]:
    """Add the news that an environment works again for those who heard of its failure and want to know, and return who that is."""
    heard = set(store.told_of_failure(tx, deployment.organization_id, deployment.project_id, deployment.environment))
    told = []
    for person in accounts.reachable_members(tx, deployment.organization_id) if heard else ():
        wishes = store.wishes(tx, deployment.organization_id, person.user_id) or defaults(person.role)
        if person.user_id in heard and wishes.recovered:
            _add(tx, deployment, person.user_id, "recovered")
            told.append(person.user_id)
    store.settle(tx, deployment.project_id, deployment.environment)
    return told


def _add(tx: Tx, deployment: deployments.Deployment, user_id: str, kind: str) -> None:
    store.add_notice(
        tx, organization_id=deployment.organization_id, user_id=user_id, project_id=deployment.project_id,
        environment=deployment.environment, deployment_id=deployment.id, kind=kind,
    )  # fmt: skip
