"""Databases on a server outside (CANONRY_DATABASES_URL): for each a database and a role of its own, closed to everybody else.

There is no data folder here, so what rests on one (restores to the second, copies, sleep, versions of its own) is refused, not pretended.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from canonry.core.errors import Invalid, NotFound, Unavailable
from canonry.core.secret import Secret
from canonry.ports.clusters import ClusterNames, ClusterSpec, ClusterState

_CLIENT_OPTIONS = {"sslmode", "channel_binding"}  # of the administrator's address, that clients need as well
type _Connection = psycopg.Connection[tuple[Any, ...]]
_LOCK = 7_226_691  # first key of the advisory locks on databases
_OURS = "^db_[0-9a-f]{16}$"


class OutsideClusters:
    """Databases on one server. url: of a role that may create databases and roles."""

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._parts = urlsplit(url.reveal())

    @property
    def can_restore(self) -> bool:
        """Not here."""
        return False

    def free_port(self, taken: Collection[int]) -> int:  # noqa: ARG002 -- all share the server's
        """Return the server's port."""
        return self._parts.port or 5432

    def create(self, spec: ClusterSpec) -> None:
        """Make a role and a database; see the port. Nobody gets in before it is closed to everybody else."""
        name = sql.Identifier(spec.id)
        with self._server() as server:
            _alone(server, spec.id)
            if server.execute("SELECT FROM pg_roles WHERE rolname = %s", [spec.id]).fetchone() is None:
                server.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
            server.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))  # who is no superuser could not make its database else
            if not self._exists(server, spec.id):
                server.execute(sql.SQL("CREATE DATABASE {} OWNER {} ALLOW_CONNECTIONS false").format(name, name))
                server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))

    def start(self, spec: ClusterSpec) -> ClusterState:
        """Let clients in, with the connections and settings of the specification."""
        if spec.public:
            _refuse("Whether it is reachable from outside is decided there.")
        name = sql.Identifier(spec.id)
        with self._server() as server:
            self._require(server, spec.id)
            server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            server.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(name, sql.Literal(spec.tier.connections)))
            for setting, value in spec.settings.items():
                try:
                    statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
                    server.execute(statement.format(name, sql.Identifier(setting), sql.Literal(value)))
                except psycopg.DatabaseError as error:
                    raise Invalid("invalid_database_setting", f"The server refuses {setting}: {_first_line(error)}") from error
            server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        state = self.state(spec.id)
        return state or ClusterState(spec.id, running=False, reason="it has just been removed")

    def wake(self, cluster_id: str) -> None:
        """Nothing sleeps here."""

    def stop(self, cluster_id: str, *, grace: float = 30.0) -> None:  # noqa: ARG002 -- nothing there has to be waited for
        """Let nobody in and end all connections. Clients get an error meanwhile: nothing of ours stands before that server."""
        with self._server() as server:
            if self._exists(server, cluster_id):
                server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(cluster_id)))
                server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [cluster_id])

    def sleep(self, cluster_id: str) -> bool:  # noqa: ARG002 -- none of them does
        """Nothing sleeps here."""
        return False

    def state(self, cluster_id: str) -> ClusterState | None:
        """Return what it is doing; see the port."""
        try:
            return next((state for state in self._states(cluster_id)), None)
        except Unavailable as error:
            return ClusterState(cluster_id, running=False, reason=error.message)

    def states(self) -> list[ClusterState]:
        """Return every database with a name of ours, none while the server does not answer."""
        try:
            return self._states(None)
        except Unavailable:
            return []

    def names(self, cluster_id: str) -> ClusterNames:
        """Names are shared by all databases of a server, so they are the cluster's id."""
        return ClusterNames(cluster_id, cluster_id)

    def admin_url(self, cluster_id: str, database: str = "postgres") -> Secret:
        """Return the server's own address, with another database when one is named."""
        if database == "postgres":
            return self._url
        if database != cluster_id:
            raise NotFound("cluster_missing", f"{database!r} is not the database of {cluster_id}.")
        return Secret(urlunsplit(self._parts._replace(path=f"/{quote(database, safe='')}")))

    def address(self, spec: ClusterSpec) -> tuple[str, int]:  # noqa: ARG002 -- all share the server's
        """Return the server's host and port."""
        return self._parts.hostname or "localhost", self._parts.port or 5432

    def options(self) -> Mapping[str, str]:
        """Return what of the administrator's address clients need too."""
        return {name: value for name, value in parse_qsl(self._parts.query) if name in _CLIENT_OPTIONS}

    def version(self, cluster_id: str) -> int:
        """Return the server's major version."""
        with self._server() as server:
            self._require(server, cluster_id)
            return server.info.server_version // 10_000

    def size_bytes(self, cluster_id: str) -> int:
        """Return what the database takes there, without WAL."""
        with self._server() as server:
            row = server.execute("SELECT pg_database_size(oid) FROM pg_database WHERE datname = %s", [cluster_id]).fetchone()
        return int(row[0]) if row else 0

    def copy(self, source_id: str, target_id: str) -> None:
        """Refuse."""
        _refuse(f"{source_id} cannot be copied to {target_id}; dump and restore it instead.")

    def adopt(self, cluster_id: str, data: Path) -> None:
        """Refuse."""
        _refuse(f"{data} cannot become {cluster_id}; restore a dump instead.")

    def folder(self, cluster_id: str) -> Path:
        """Refuse."""
        _refuse(f"{cluster_id} has no folder on this machine.")

    def upgrade(self, cluster_id: str) -> int:
        """Refuse."""
        _refuse(f"The version of {cluster_id} is that of its server.")

    def remove(self, cluster_id: str) -> None:
        """Drop the database, its owner and its logins."""
        with self._server() as server:
            _alone(server, cluster_id)
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(cluster_id)))
            logins = server.execute("SELECT rolname FROM pg_roles WHERE rolname ^@ %s OR rolname = %s", [f"{cluster_id}_", cluster_id])
            for (role,) in sorted(logins.fetchall(), reverse=True):  # the owner last
                server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

    def round(self) -> None:
        """There is nothing to look after: the server is not ours."""

    def close(self) -> None:
        """Nothing is held."""

    def _states(self, cluster_id: str | None) -> list[ClusterState]:
        query = """
            SELECT d.datname, d.datallowconn, coalesce(extract(epoch FROM max(a.backend_start)), 0), coalesce(extract(epoch FROM now()), 0)
            FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.backend_type = 'client backend'
            WHERE d.datname ~ %s AND d.datname = coalesce(%s, d.datname) GROUP BY d.oid, d.datname, d.datallowconn ORDER BY d.datname
        """
        with self._server() as server:
            rows = server.execute(query, [_OURS, cluster_id]).fetchall()
        return [ClusterState(name, running=open_, last_used=float(now) if connected else 0.0) for name, open_, connected, now in rows]

    @contextmanager
    def _server(self) -> Iterator[_Connection]:
        """Give a connection as administrator. Raises: Unavailable `database_server_unavailable` | `database_server_refused`."""
        try:
            connection = psycopg.connect(self._url.reveal(), autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise Unavailable("database_server_unavailable", f"The server of CANONRY_DATABASES_URL is closed to us: {_first_line(error)}",
                              hint="Look whether it runs, and whether the address and the password are right.") from error  # fmt: skip
        with connection:
            try:
                yield connection
            except psycopg.errors.InsufficientPrivilege as error:
                raise Unavailable("database_server_refused", f"The server of CANONRY_DATABASES_URL refuses: {_first_line(error)}",
                                  hint="Its role needs CREATEDB and CREATEROLE.") from error  # fmt: skip

    def _exists(self, server: _Connection, cluster_id: str) -> bool:
        return server.execute("SELECT FROM pg_database WHERE datname = %s", [cluster_id]).fetchone() is not None

    def _require(self, server: _Connection, cluster_id: str) -> None:
        if not self._exists(server, cluster_id):
            raise NotFound("cluster_missing", f"There is no database {cluster_id} on the server of CANONRY_DATABASES_URL.",
                           hint="Restore it from a dump.")  # fmt: skip


def _alone(server: _Connection, cluster_id: str) -> None:
    """Wait until nobody else makes or removes this database, until the connection ends: of two at a time one would find half of it."""
    server.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [_LOCK, cluster_id])


def _refuse(what: str) -> NoReturn:
    raise Unavailable("not_on_outside_server", f"This database is on the server of CANONRY_DATABASES_URL. {what}",
                      hint="Use what that server's operator offers, or let Canonry keep databases on this machine.")  # fmt: skip


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
