"""The composition root: from settings to everything that runs."""

import getpass
import os
import secrets
from dataclasses import dataclass

from canonry.adapters.builder.native.builder import NativeBuilder
from canonry.adapters.disk.volume import VolumeDisk
from canonry.adapters.dns.resolver import DnsResolver
from canonry.adapters.edge.caddy.certificates import CaddyCertificates
from canonry.adapters.edge.caddy.edge import CaddyEdge
from canonry.adapters.gates.open import OpenGate
from canonry.adapters.git_host.github import GitHub
from canonry.adapters.limits.unlimited import Unlimited
from canonry.adapters.mail.folder import FolderMailer
from canonry.adapters.rates.memory import MemoryRates
from canonry.adapters.runtime.process.runtime import ProcessRuntime
from canonry.core.access import Scope
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.core.smtp import parse_smtp_url
from canonry.features import accounts, tokens
from canonry.features.disk import BuildGovernor
from canonry.infra.crypto import Vault, load_key
from canonry.infra.db import Database
from canonry.infra.jobs import QUICK_THREADS, Queue
from canonry.infra.tx import Transactions
from canonry.ports import Ports
from canonry.ports.mail import Mailer
from canonry.ports.rates import Rates
from canonry.wiring.clusters import make_clusters
from canonry.wiring.identity import make_identities, make_sign_in_provider
from canonry.wiring.objects import make_objects
from canonry.wiring.subscriptions import SUBSCRIPTIONS
from canonry.wiring.trackers import make_trackers


@dataclass(frozen=True)
class Container:
    """Everything that a running Canonry hands around."""

    settings: Settings
    home: Home
    database: Database
    queue: Queue
    transactions: Transactions
    ports: Ports
    vault: Vault

    def close(self) -> None:
        """Close what holds connections."""
        self.database.close()


@dataclass(frozen=True)
class Owner:
    """The first person, as `canonry up` made them. token: of scope admin, for the command line."""

    organization: str
    token: Secret


def open_container(settings: Settings, database_url: Secret) -> Container:
    """Connect everything. Raises: Unavailable `database_unavailable`, `secret_key_damaged`."""
    home = Home(settings.home_path)
    database = Database(database_url, size=settings.workers + QUICK_THREADS + 8)
    database.open()
    queue = Queue(SUBSCRIPTIONS)
    transactions = Transactions(database, queue)
    provider = make_sign_in_provider(settings)
    builder, disk = NativeBuilder(home, settings), VolumeDisk(home.root)
    ports = Ports(
        builder=builder, disk=disk, build_room=BuildGovernor(settings, disk, builder),
        runtime=ProcessRuntime(home, settings), edge=CaddyEdge(home, settings),
        gate=OpenGate(), limits=Unlimited(), identity=make_identities(transactions, provider),
        mail=_mailer(settings, home), rates=_rates(settings),
        dns=DnsResolver(settings.dns_resolver, allow_private=settings.allow_private_targets),
        certificates=CaddyCertificates(home, settings), clusters=make_clusters(settings, home), objects=make_objects(settings, home),
        sign_in_provider=provider, git_host=GitHub(settings), trackers=make_trackers(transactions, settings),
    )  # fmt: skip
    return Container(settings, home, database, queue, transactions, ports, Vault(load_key(home.secret_key)))


def bootstrap_owner(container: Container) -> Owner | None:
    """Make the first person, their organization and a token, on a Canonry that has nobody yet; None when there is somebody."""
    with container.transactions.begin() as tx:
        if accounts.first_owner(tx) is not None:
            return None
        name = _login()
        handle = accounts.derive_handle(name)
        user_id, organization_id = accounts.create_owner(tx, email=f"{name}@localhost", name=name, handle=handle, organization_name=name)
        token = tokens.create_token(tx, organization_id=organization_id, user_id=user_id, name="command line", scope=Scope.ADMIN)
    return Owner(handle, token)


def renew_owner_token(container: Container) -> Owner | None:
    """Make another token for the first owner, for a command line whose credentials are gone; None when there is nobody."""
    with container.transactions.begin() as tx:
        owner = accounts.first_owner(tx)
        if owner is None:
            return None
        user_id, organization_id = owner
        token = tokens.create_token(tx, organization_id=organization_id, user_id=user_id, name="command line", scope=Scope.ADMIN)
        return Owner(accounts.get_organization(tx, organization_id).handle, token)


def _mailer(settings: Settings, home: Home) -> Mailer:
    if settings.smtp_url is None:
        return FolderMailer(home.mail, settings.mail_from)
    from canonry.adapters.mail.smtp import SmtpMailer  # noqa: PLC0415 -- not needed without a mail server

    return SmtpMailer(parse_smtp_url(settings.smtp_url), settings.mail_from)


def _rates(settings: Settings) -> Rates:
    if settings.redis_url is None:
        return MemoryRates()
    from canonry.adapters.rates.redis import RedisRates  # noqa: PLC0415 -- seldom used, and slow to import

    return RedisRates(settings.redis_url)


def _login() -> str:
    """Return a handle made from who is logged in."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in a container
        name = f"user{os.getuid()}"
    kept = "".join(letter for letter in name.lower() if letter.isascii() and (letter.isalnum() or letter == "-")).strip("-")
    return kept or f"owner-{secrets.token_hex(2)}"
