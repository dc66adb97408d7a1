"""What the API answers with, as far as commands read it. An answer may hold more; `--json` prints all of it."""

from typing import TypedDict


class User(TypedDict):
    """A person."""

    id: str
    email: str
    name: str


class Account(TypedDict):
    """An organization; its handle stands in URLs."""

    id: str
    handle: str


class Me(TypedDict):
    """Who the token is."""

    authenticated: bool
    user: User
    account: Account | None
    permissions: list[str]


class Project(TypedDict):
    """A project. status: new, running, stopped or crashed."""

    id: str
    name: str
    slug: str
    status: str
    url: str
    repo_url: str | None
    repo_branch: str | None
    python_version: str | None
    node_version: str | None
    install_command: str | None
    build_command: str | None
    start_command: str | None
    output_dir: str | None
    runtime: str | None
    root_dir: str | None
    health_path: str | None
    health_timeout: int | None
    instances: int
    memory_mb: int
    git_url: str
    created_at: str


class DeploymentError(TypedDict):
    """Why a deployment failed."""

    code: str
    message: str
    hint: str


class Deployment(TypedDict):
    """One attempt. status: queued, building, deploying, live, superseded, failed or cancelled."""

    id: str
    slug: str
    status: str
    step: str
    trigger: str
    ref: str | None
    commit: str | None
    commit_message: str | None
    artifact_id: str | None
    release_id: str | None
    reused: bool
    url: str | None
    error: DeploymentError | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class BuildLine(TypedDict):
    """One line of a deployment's log."""

    seq: int
    ts: str
    stream: str
    text: str


class BuildLines(TypedDict):
    """A piece of a deployment's log; next_seq continues it, done says that nothing will follow."""

    lines: list[BuildLine]
    next_seq: int
    done: bool


class Instance(TypedDict):
    """One running copy."""

    id: str
    index: int
    process: str
    status: str
    started_at: str | None
    restarts: int
    reason: str | None
    memory_bytes: int | None
    release_id: str | None


class RuntimeLine(TypedDict):
    """One line an instance wrote; `process` is the process and the instance's number (`web.0`)."""

    ts: str
    instance: str
    process: str
    deployment: str | None
    text: str


class RuntimeLines(TypedDict):
    """A piece of the runtime log. older_cursor: goes back, None at the beginning; complete: nothing is left in the direction asked for."""

    lines: list[RuntimeLine]
    next_cursor: str
    older_cursor: str | None
    complete: bool
