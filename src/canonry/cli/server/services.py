"""PostgreSQL and Caddy of one home: brought up in order, and kept alive."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from canonry.adapters.edge.caddy import CaddyProcess
from canonry.cli.server.home import explained
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra.keeper import Kept
from canonry.infra.postgres import Postgres


@dataclass(frozen=True)
class Services:
    """What runs beside Python. postgres: None when another server is used (CANONRY_DATABASE_URL)."""

    postgres: Postgres | None
    caddy: CaddyProcess

    def kept(self) -> list[Kept]:
        """Return what the keeper looks after."""
        found = [Kept("caddy", lambda: self.caddy.find() is not None, self.caddy.ensure)]
        if self.postgres is not None:
            found.append(Kept("postgres", self.postgres.is_running, self.postgres.ensure))
        return found


def make_services(settings: Settings, home: Home) -> Services:
    """Return the services of a home; starts nothing."""
    return Services(None if settings.database_url else Postgres(home, archive=True), CaddyProcess(home, settings))


def start_services(services: Services, settings: Settings, home: Home, undo: ExitStack, say: Callable[[str], None]) -> Secret:
    """Start what does not run yet, migrate the database, and return its address. Idempotent.

    undo: gets a callback for each thing that was started, for the caller who fails later.

    Raises: Conflict `port_taken` | `database_newer` | `database_version`; NeedsAction `port_not_permitted`; Unavailable `disk_full` |
    `postgres_start_failed` | `database_unavailable` | `edge_failed`; Denied `home_not_writable`.
    """
    from canonry.infra.migrations import migrate, migrations_folder

    with explained(home.root):
        if services.caddy.find() is None:
            undo.callback(services.caddy.stop, grace=0)
        known = services.caddy.find()
        pid = services.caddy.start()
        say(f"Caddy {'runs' if pid == known else 'started'} on port {_ports(settings)} (pid {pid}).")
        url = _start_database(services, settings, undo, say)
        if applied := migrate(url, migrations_folder()):
            say(f"The database got {len(applied)} migration{'s' if len(applied) > 1 else ''}, up to {applied[-1].removesuffix('.sql')}.")
    return url


def _ports(settings: Settings) -> str:
    return f"{settings.http_port} and {settings.https_port} (HTTPS)" if settings.tls_is_on else str(settings.http_port)


def _start_database(services: Services, settings: Settings, undo: ExitStack, say: Callable[[str], None]) -> Secret:
    if settings.database_url is not None:
        return settings.database_url
    postgres = services.postgres or Postgres(Home(settings.home_path), archive=True)
    known = postgres.find()
    if known is None:
        undo.callback(postgres.stop)
    process = postgres.ensure()
    say(f"PostgreSQL {'runs' if process == known else 'started'} (pid {process.pid}).")
    return postgres.url
