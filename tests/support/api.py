"""The HTTP API over memory adapters and a real database: the real application behind the real web server, in a thread of the test.

Fixtures: `api` (ask it with `api.ask`; one for all tests, emptied before each), `container` (for a Canonry of the test's own, with
`serving`), `machine` (what its pretended instances stand on).
"""

import asyncio
import http.client
import io
import itertools
import json
import secrets
import socket
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.adapters.disk.memory import MemoryDisk
from canonry.adapters.dns.memory import MemoryDns
from canonry.adapters.edge.memory import MemoryEdge
from canonry.adapters.edge.memory_certificates import MemoryCertificates
from canonry.adapters.gates.open import OpenGate
from canonry.adapters.git_host.memory import MemoryGitHost
from canonry.adapters.limits.unlimited import Unlimited
from canonry.adapters.mail.memory import MemoryMailer
from canonry.adapters.rates.memory import MemoryRates
from canonry.adapters.runtime.memory import Machine, MemoryRuntime
from canonry.core.access import Actor, Permission, Scope
from canonry.core.origin import SYSTEM, current_origin
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.features import accounts, tokens
from canonry.features.deployments import pipeline
from canonry.features.disk import BuildGovernor
from canonry.infra.crypto import Vault, load_key
from canonry.infra.db import Database
from canonry.infra.files import remove_tree
from canonry.infra.jobs import Queue
from canonry.infra.postgres import Postgres
from canonry.infra.tx import Transactions
from canonry.ports import Ports
from canonry.web.app import create_app
from canonry.web.server import serve_web
from canonry.wiring.clusters import clusters_of_this_machine, make_clusters
from canonry.wiring.container import Container
from canonry.wiring.identity import make_identities
from canonry.wiring.objects import make_objects
from canonry.wiring.subscriptions import SUBSCRIPTIONS
from canonry.wiring.trackers import make_trackers
from tests.support.edge import Apps
from tests.support.postgres import new_database

SITE = {"index.html": "<p>hello</p>"}
APP = {"start.sh": "sleep 600"}
_BOUNDARY = "a-boundary-of-the-tests"


@dataclass(frozen=True)
class Answer:
    """What the API answered. headers: names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON
        """The parsed body."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status and the code of an error, whose envelope is checked on the way."""
        envelope = self.json
        assert set(envelope) >= {"error", "message", "request_id"}, envelope
        assert set(envelope) <= {"error", "message", "request_id", "hint", "issues"}, envelope
        assert envelope["message"]
        assert envelope["request_id"] == self.headers["x-request-id"]
        return self.status, envelope["error"]

    def error_with(self, *fields: str) -> tuple[object, ...]:
        """Return the status and the code of an error, and these further fields of its body."""
        return (self.status, self.json["error"], *(self.json[name] for name in fields))


@dataclass(frozen=True)
class Somebody:
    """An owner of an organization, with a token of each scope."""

    user_id: str
    organization_id: str
    handle: str
    tokens: Mapping[Scope, str]

    def actor(self, permissions: frozenset[Permission] = frozenset()) -> Actor:
        """Return them as they come out of the gate."""
        return Actor(self.user_id, self.organization_id, self.handle, permissions)


@dataclass
class Api:
    """A running API. Requests are of scope admin of `owner` unless they say otherwise."""

    container: Container
    owner: Somebody
    socket: Path
    edge: MemoryEdge
    runtime: MemoryRuntime
    _names: "itertools.count[int]" = field(default_factory=itertools.count)

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = "", headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:  # fmt: skip
        """Make one request. body: sent as JSON; raw: sent as it is. token: None for no credential, "" for the owner's."""
        payload = raw if raw is not None else None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if raw is None and body is not None else {}
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.owner.tokens[Scope.ADMIN]}"
        with self.connection() as connection:
            connection.request(method, path, body=payload, headers={**sent, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """Give an open connection to the web server."""
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(self.socket))
        try:
            yield connection
        finally:
            connection.close()

    def somebody(self) -> Somebody:
        """Make another person with an organization of their own."""
        return make_somebody(self.container.transactions, f"other-{next(self._names)}")

    def project(self, slug: str | None = None, **settings: object) -> str:
        """Make a project with these settings and return its slug."""
        slug = slug or f"project-{next(self._names)}"
        assert self.ask("POST", "/v1/projects", {"name": slug, "slug": slug}).status == 201
        if settings:
            assert self.ask("PATCH", f"/v1/projects/{slug}", settings).status == 200
        return slug

    def app(self, slug: str | None = None) -> str:
        """Make a project whose web process runs (in pretence) until it is stopped, deploy it, and return its slug."""
        slug = self.project(slug, start_command="sleep 600")
        assert self.deploy(slug, APP)["status"] == "live"
        return slug

    def upload(self, slug: str, files: Mapping[str, str], **options: Any) -> Answer:  # noqa: ANN401 -- as `ask`
        """Upload an archive of these files."""
        return self.ask("POST", f"/v1/projects/{slug}/upload", raw=form(archive(files)), headers=FORM, **options)

    def deploy(self, slug: str, files: Mapping[str, str]) -> dict[str, Any]:
        """Upload these files, carry out what waits, and return the deployment as it ended."""
        answer = self.upload(slug, files)
        assert answer.status == 202, answer.body
        self.work(slug)
        return self.deployment(answer.json["deployment"]["id"])

    def work(self, slug: str) -> None:
        """Do what the worker would: carry out every deployment that waits."""
        self.work_for(self.get(f"/v1/projects/{slug}")["project"]["id"])

    def work_for(self, project_id: str) -> None:
        """Carry out every deployment of any project, somebody else's too."""
        pipeline.run(self.container, project_id, "production")

    def deployment(self, deployment_id: str) -> dict[str, Any]:
        """Return a deployment."""
        return dict(self.get(f"/v1/deployments/{deployment_id}")["deployment"])

    def deployments(self, slug: str) -> list[dict[str, Any]]:
        """Return the deployments of a project, newest first."""
        return list(self.get(f"/v1/projects/{slug}/deployments")["deployments"])

    def instances(self, slug: str) -> list[dict[str, Any]]:
        """Return the instances of a project."""
        return list(self.get(f"/v1/projects/{slug}/instances")["instances"])

    def get(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """Return what a GET that has to succeed answers."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json


FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


def form(*contents: bytes, name: str = "file") -> bytes:
    """Return a multipart body with one file part for each content."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.tar.gz"\r\n\r\n'.encode()
    return b"".join(head + content + b"\r\n" for content in contents) + f"--{_BOUNDARY}--\r\n".encode()


def archive(files: Mapping[str, str]) -> bytes:
    """Return a .tar.gz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def make_somebody(transactions: Transactions, handle: str) -> Somebody:
    """Make a person who owns an organization, with a token of each scope."""
    with transactions.begin() as tx:
        user_id, organization_id = accounts.create_owner(
            tx, email=f"{handle}@example.com", name=handle, handle=handle, organization_name=handle
        )
        made = {
            scope: tokens.create_token(tx, organization_id=organization_id, user_id=user_id, name=scope, scope=scope).reveal()
            for scope in Scope
        }
    return Somebody(user_id, organization_id, handle, made)


@pytest.fixture
def machine(apps: Apps) -> Machine:
    """Give what pretended instances stand on: each gets a port on which a real small app answers."""
    return _machine(apps)


@pytest.fixture
def container(database: Database, machine: Machine, tmp_path: Path) -> Iterator[Container]:
    """Give everything of a Canonry of this test alone, over memory adapters and a real database."""
    made = _container(database, machine, tmp_path / "home")
    yield made
    take_databases_away(made)
    clusters_of_this_machine(made.settings, made.home).shut_down()
    remove_tree(made.home.run)


@pytest.fixture(scope="session")
def common_api(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Serve one API to all tests that do nothing to it but ask."""
    apps = Apps()
    for url in new_database(postgres_server):
        database = Database(url)
        database.open()
        database.be_patient(60)  # another worker may leave little of the machine
        container = _container(database, _machine(apps), tmp_path_factory.mktemp("api") / "home")
        with serving(container) as served:
            yield served
        take_databases_away(container)
        database.close()
        clusters_of_this_machine(container.settings, container.home).shut_down()
        remove_tree(container.home.run)
    apps.stop_all()


@pytest.fixture
def api(common_api: Api) -> Api:
    """Give an API with one organization and nothing in it. Making a Canonry for each test would take ten times as long."""
    return emptied(common_api)


def emptied(common_api: Api) -> Api:
    """Return the API that all tests use, with one new organization and nothing in it."""
    container = common_api.container
    for state in common_api.runtime.states():
        common_api.runtime.stop(state.id, 0)
        common_api.runtime.forget(state.id)
    if isinstance(ports := common_api.runtime.machine.ports, _AppPorts):
        ports.again()  # else a worker would have as many apps in the end as all its tests together
    if isinstance(dns := container.ports.dns, MemoryDns):
        dns.records.clear()
        dns.faults.clear()
    for host in common_api.edge.hosts():
        common_api.edge.remove(host)
    take_databases_away(container)
    current_origin.set(SYSTEM)  # a test may have called something that puts a person there
    forget_events(container)
    with container.transactions.begin() as tx:
        for table in ("projects", "organizations", "users", "attempts", "mails", "database_backups", "backup_gaps", "procrastinate_jobs"):
            tx.connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608 -- our own names
    for folder in (container.home.uploads, container.home.build_logs, container.home.instance_logs):
        for entry in folder.iterdir():
            remove_tree(entry)
    return replace(common_api, owner=make_somebody(container.transactions, "ada"), _names=itertools.count())


def take_databases_away(container: Container) -> None:
    """End and delete the databases of projects, which are real."""
    for state in container.ports.clusters.states():
        container.ports.clusters.remove(state.id)


def forget_events(container: Container) -> None:
    """Delete all events, which nobody may outside of tests."""
    with container.transactions.begin() as tx:
        tx.connection.execute("SET LOCAL session_replication_role = replica")
        tx.connection.execute("DELETE FROM events")


@contextmanager
def serving(container: Container, **ports: Any) -> Iterator[Api]:  # noqa: ANN401 -- any port
    """Serve the API of a Canonry, some of whose ports are replaced, to an owner of its own."""
    container = replace(container, ports=replace(container.ports, **ports))
    edge, runtime = container.ports.edge, container.ports.runtime
    assert isinstance(edge, MemoryEdge)
    assert isinstance(runtime, MemoryRuntime)
    path = container.home.run / f"web-{secrets.token_hex(4)}.sock"
    owner = make_somebody(container.transactions, f"owner-{secrets.token_hex(4)}")
    with _serve(container, path):
        yield Api(container, owner, path, edge, runtime)


class _AppPorts(Iterator[int]):
    """Ports on each of which a real small app answers."""

    def __init__(self, apps: Apps) -> None:
        self._apps, self._made, self._given = apps, list[int](), 0

    def __next__(self) -> int:
        if self._given == len(self._made):
            self._made.append(int(self._apps.start(f"app {self._given}").address.rpartition(":")[2]))
        self._given += 1
        return self._made[self._given - 1]

    def again(self) -> None:
        """Begin anew with the first one: nobody uses those that were given out."""
        self._given = 0


def _machine(apps: Apps) -> Machine:
    return Machine(ports=_AppPorts(apps))


def _container(database: Database, machine: Machine, root: Path) -> Container:
    settings = Settings(home=root, upload_limit=1, health_timeout=2, drain_seconds=0, stop_grace=1, allow_file_urls=True,
                        private_git_hosts="localhost,127.0.0.1", build_timeout=20,
                        rate_limit=1_000_000, rate_limit_anonymous=1_000_000, rate_limit_sign_in=1_000_000)  # fmt: skip
    home = Home(settings.home_path)
    home.create()
    queue = Queue(SUBSCRIPTIONS)
    transactions = Transactions(database, queue)
    builder, disk = MemoryBuilder(home.artifacts, exit_codes={"false": 1}), MemoryDisk()
    ports = Ports(
        builder=builder, disk=disk, build_room=BuildGovernor(settings, disk, builder), runtime=MemoryRuntime(machine), edge=MemoryEdge(),
        gate=OpenGate(), limits=Unlimited(), identity=make_identities(transactions), mail=MemoryMailer(),
        rates=MemoryRates(),
        dns=MemoryDns(),
        certificates=MemoryCertificates(),
        clusters=make_clusters(settings, home), objects=make_objects(settings, home), trackers=make_trackers(transactions, settings),
        git_host=MemoryGitHost(),
    )  # fmt: skip
    return Container(settings, home, database, queue, transactions, ports, Vault(load_key(home.secret_key)))


@contextmanager
def _serve(container: Container, path: Path) -> Iterator[None]:
    ready, ended = threading.Event(), threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stopping, up = asyncio.Event(), asyncio.Event()
        stop.append((asyncio.get_running_loop(), stopping))
        served = asyncio.create_task(serve_web(create_app(container), path, stopping, up))
        await up.wait()
        ready.set()
        await served

    def run_to_the_end() -> None:
        try:
            asyncio.run(run())
        finally:
            ended.set()

    thread = threading.Thread(target=run_to_the_end, daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield
    finally:
        loop, stopping = stop[0]
        loop.call_soon_threadsafe(stopping.set)
        assert ended.wait(60)
        thread.join()
