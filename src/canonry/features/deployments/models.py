"""Rows of deployments, releases and instances."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from canonry.core.environments import PRODUCTION


class Status(StrEnum):
    """Where a deployment stands. queued → building → deploying → live → superseded, or failed, cancelled on the way.

    A queued one whose place a newer one took is superseded too, without ever having been live.
    """

    QUEUED = "queued"
    BUILDING = "building"
    DEPLOYING = "deploying"
    LIVE = "live"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = frozenset({Status.QUEUED, Status.BUILDING, Status.DEPLOYING})


@dataclass(frozen=True)
class Deployment:
    """One attempt to bring a source to life.

    source: {"kind": "upload", "archive": sha256} · {"kind": "hosted", "ref"} · {"kind": "repository", "url", "ref"} ·
    {"kind": "release", "release_id"} · {"kind": "renewal"}: what is live, started anew because of its database.
    A hosted one has "repository" as well when that is not the project's own.
    step: the step it is in, or ended in. error: {"code", "message", "hint"} of a failed one.
    """

    id: str
    organization_id: str
    project_id: str
    environment: str
    status: Status
    step: str
    trigger: str
    source: Mapping[str, Any]
    ref: str | None
    commit: str | None
    commit_message: str | None
    tree: str | None
    release_id: str | None
    artifact_id: str | None
    reused: bool
    release_command_done: bool
    cancel_requested: bool
    url: str | None
    error: Mapping[str, Any] | None
    created_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def __post_init__(self) -> None:
        """Turn the text of the database into the enumeration."""
        object.__setattr__(self, "status", Status(self.status))


@dataclass(frozen=True)
class Wish:
    """What somebody wants deployed, and where. branch: branch, tag or commit as people name it.

    commit: its full id, None for the newest of the branch. message: of the commit, for people. origin: what asked (`webhook`, `preview`).
    """

    environment: str = PRODUCTION
    branch: str | None = None
    commit: str | None = None
    message: str | None = None
    origin: str = "git"


@dataclass(frozen=True)
class Release:
    """An artifact with its frozen configuration; it never changes. plan: as `plan_to_json` gives it.

    variables: those of a release of before they were sealed (`frozen.py` reads both kinds). variables_digest: of what its instances get,
    what its database delivers included. renews: the release that this one is again, with another delivery.
    """

    id: str
    project_id: str
    environment: str
    deployment_id: str
    artifact_id: str
    plan: Mapping[str, Any]
    variables: Mapping[str, str]
    variables_digest: str
    commit: str | None
    tree: str | None
    renews: str | None
    created_at: datetime


@dataclass(frozen=True)
class Instance:
    """One copy of a process of a release that runs or shall run.

    status: starting, healthy, unhealthy, draining (serves its last requests), crashed (waits for its next start), crash_loop, stopped
    (ended for good; the row stays as long as its log).
    restarts: how often it was started again; the runtime knows it as `runtime_id`. failures: quick ends in a row.
    next_start_at: end of the back-off. stop_after: end of the drain.
    """

    id: str
    project_id: str
    environment: str
    release_id: str
    deployment_id: str
    process: str
    index: int
    status: str
    restarts: int
    failures: int
    address: str | None
    reason: str
    memory_mb: int
    cpu: float | None
    started_at: datetime
    next_start_at: datetime | None
    stop_after: datetime | None

    @property
    def runtime_id(self) -> str:
        """The id under which the runtime knows the present start of this instance."""
        return f"{self.id}-{self.restarts}"
