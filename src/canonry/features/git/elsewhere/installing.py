"""Installations of the app: what they bring, and what becomes of it when they go."""

import logging

from canonry.core.errors import CanonryError
from canonry.features.git.context import Context
from canonry.features.git.elsewhere import store
from canonry.features.git.elsewhere.events import InstallationChanged, RepositoryRemoved
from canonry.features.git.elsewhere.models import Installation
from canonry.features.git.elsewhere.queue import ADOPT, FETCH
from canonry.features.git.elsewhere.service import host_of, register
from canonry.features.git.repositories.models import GITHUB
from canonry.infra.tx import Tx
from canonry.ports.git_host import Described

_log = logging.getLogger(__name__)


def install(tx: Tx, organization_id: str, account: str, number: int) -> None:
    """Note that the app was installed for an account, and have its repositories registered."""
    store.ensure_installation(tx, organization_id, GITHUB, account, number)
    tx.enqueue(ADOPT, organization_id=organization_id, number=str(number))
    tx.emit(InstallationChanged(organization_id, GITHUB, account), after={"state": "installed", "number": number})


def adopt(context: Context, organization_id: str, number: int) -> None:
    """Register every repository that an installation may act on. Twice is once."""
    adopt_some(context, organization_id, host_of(context).installed_at(number))


def adopt_some(context: Context, organization_id: str, found: list[Described]) -> None:
    """Register these repositories; those that are known stay as they are."""
    for described in found:
        try:
            with context.transactions.begin() as tx:
                register(tx, context, organization_id, described, token=None)
        except CanonryError as error:
            if error.code != "repository_exists":
                raise
            _log.info("%s is known already", described.name)


def uninstall(tx: Tx, installation: Installation) -> None:
    """Note that the app acts there no more: its repositories are removed, those that have a token of their own stay."""
    store.take_away(tx, installation.id)
    for repository_id in store.of_account(tx, installation.organization_id, installation.host, installation.account):
        remove(tx, installation.organization_id, repository_id)
    tx.emit(InstallationChanged(installation.organization_id, installation.host, installation.account),
            before={"state": "installed"}, after={"state": "removed"})  # fmt: skip


def suspend(tx: Tx, installation: Installation, *, suspended: bool) -> None:
    """Note whether the app may act; let in again, its repositories are looked at."""
    store.suspend(tx, installation.id, suspended=suspended)
    for repository_id in () if suspended else store.of_account(tx, installation.organization_id, installation.host, installation.account):
        tx.enqueue(FETCH, repository_id=repository_id)
    tx.emit(InstallationChanged(installation.organization_id, installation.host, installation.account),
            after={"state": "suspended" if suspended else "installed"})  # fmt: skip


def remove(tx: Tx, organization_id: str, repository_id: str) -> None:
    """Mark a repository removed; its index is emptied, its copy thrown away."""
    if store.remove(tx, repository_id):
        tx.enqueue(FETCH, repository_id=repository_id)
        tx.emit(RepositoryRemoved(organization_id, repository_id))
