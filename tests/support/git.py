"""Git for tests: people with work trees, and a uvicorn that serves the git routes over a real database."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Self, cast

import uvicorn

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.adapters.disk.memory import MemoryDisk
from canonry.adapters.limits.unlimited import Unlimited
from canonry.adapters.rates.memory import MemoryRates
from canonry.core.access import PERMISSIONS, Actor, Scope
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features.disk import BuildGovernor
from canonry.features.git.routes import router
from canonry.http.application import Application
from canonry.http.deps import Services
from canonry.infra.db import Database
from canonry.infra.jobs import Queue
from canonry.infra.tx import Transactions

_SETTINGS = {"protocol.file.allow": "always", "safe.directory": "*", "init.defaultBranch": "main", "core.compression": "0", "gc.auto": "0"}
_ENVIRONMENT = {
    "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    **{f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(_SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(_SETTINGS.values())},
}  # fmt: skip


@dataclass
class Person:
    """Somebody with a work tree. Everything goes through the real git, with nobody's own settings."""

    tree: Path

    def __post_init__(self) -> None:
        if not self.tree.exists():
            self.tree.mkdir(parents=True)
            self.git("init", "--quiet")

    def git(self, *arguments: str, check: bool = True, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run git in the work tree and return what it wrote."""
        environment = {"PATH": os.environ["PATH"], **_ENVIRONMENT, **(env or {})}
        result = subprocess.run(
            ["git", *arguments], cwd=self.tree, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        if check and result.returncode != 0:
            message = f"git {' '.join(arguments)} ended with {result.returncode}: {result.stderr}"
            raise AssertionError(message)
        return result

    def commit(self, files: Mapping[str, str | bytes], message: str = "Change") -> str:
        """Write files, commit everything and return the commit's id."""
        for name, content in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head()

    def head(self, name: str = "HEAD") -> str:
        """Return the id that `name` means."""
        return self.git("rev-parse", name).stdout.strip()

    @property
    def url(self) -> str:
        """The file:// address of the work tree's repository."""
        return self.tree.as_uri()


class KnownTokens:
    """Identity for tests: exactly the tokens it was given."""

    def __init__(self, actors: Mapping[str, Actor]) -> None:
        self._actors = actors

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who holds this token."""
        return self._actors.get(credential.reveal())


class GitServer:
    """The git routes on loopback, with two organizations: acme (tokens deploy, read) and other (token foreign)."""

    def __init__(self, home: Home, database: Database, *, upload_limit: int = 512) -> None:
        self.home = home
        self.database = database
        self.transactions = Transactions(database, Queue({}))
        actors = {
            "cnr_deploy": Actor("usr_1", "org_acme", "acme", PERMISSIONS[Scope.DEPLOY]),
            "cnr_read": Actor("usr_1", "org_acme", "acme", PERMISSIONS[Scope.READ]),
            "cnr_foreign": Actor("usr_2", "org_other", "other", PERMISSIONS[Scope.ADMIN]),
        }
        settings = Settings(home=home.root, upload_limit=upload_limit)
        room = BuildGovernor(settings, MemoryDisk(), MemoryBuilder(home.artifacts))
        container = SimpleNamespace(
            settings=settings, home=home, transactions=self.transactions,
            ports=SimpleNamespace(identity=KnownTokens(actors), limits=Unlimited(), rates=MemoryRates(), build_room=room),
        )  # fmt: skip
        self.app = Application(cast("Services", container), frozenset())
        self.app.include_router(router)
        self.actors = actors
        self._server = uvicorn.Server(uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="warning", lifespan="off",
                                                     timeout_graceful_shutdown=60))  # fmt: skip
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        """Start it."""
        with self.database.connection() as connection:
            for name in ("acme", "other"):
                connection.execute("INSERT INTO organizations (id, handle, name) VALUES (%s, %s, %s)", (f"org_{name}", name, name))
            for name in ("usr_1", "usr_2"):
                connection.execute(
                    "INSERT INTO users (id, email, name, email_verified_at) VALUES (%s, %s, %s, now())", (name, f"{name}@example.com", name)
                )
        self._thread.start()
        stop = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < stop, "uvicorn does not start"
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop it."""
        self._server.should_exit = True
        self._thread.join(timeout=60)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    def url(self, name: str, *, handle: str = "acme", token: str | None = "cnr_deploy") -> str:
        """Return a repository's address with the token as password."""
        login = f"git:{token}@" if token else ""
        return f"http://{login}127.0.0.1:{self.port}/git/{handle}/{name}.git"
