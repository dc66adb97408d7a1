"""Shapes of answers about the disk. Sizes are bytes on the disk."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from canonry.core.settings import Settings
from canonry.features.disk.models import KINDS, Mark, Owners, Pruned, Usage
from canonry.ports.disk import Space


class UsedBody(BaseModel):
    """What a project keeps, by kind, and all of it together."""

    artifacts: int
    build_logs: int
    instance_logs: int
    caches: int
    repository: int
    mirrors: int
    database: int
    volumes: int
    total: int


class ProjectUsage(BaseModel):
    """A project and what it uses; over: the kinds of which it has more than its budget."""

    id: str
    slug: str
    used: UsedBody
    over: list[str]


class DiskAnswer(BaseModel):
    """The disk of the home. mark: fine, low (caches go) or full (builds stop). platform: what belongs to no project, by what it is."""

    total_bytes: int
    free_bytes: int
    mark: Literal["fine", "low", "full"]
    reserve_bytes: int
    clean_below_bytes: int
    budgets: dict[str, int]
    projects: list[ProjectUsage]
    platform: dict[str, int]


class ProjectDiskAnswer(BaseModel):
    """What one project uses, what it may use, and the deployments whose artifacts are kept for good."""

    project: str
    used: UsedBody
    budgets: dict[str, int]
    over: list[str]
    pinned: list[str]


class PruneRequest(BaseModel):
    """Body of POST /v1/disk/prune. dry_run: only say what would be removed."""

    model_config = ConfigDict(extra="forbid")
    dry_run: bool = False


class RemovalBody(BaseModel):
    """One thing. what: artifact, upload, build log, instance log, cache, toolchain or mirror."""

    what: str
    name: str
    bytes: int
    project_id: str | None


class PruneAnswer(BaseModel):
    """What was removed, or would be. environments: how many have their artifacts and logs looked through next, one by one."""

    dry_run: bool
    removed: list[RemovalBody]
    bytes: int
    environments: int


class PinAnswer(BaseModel):
    """Whether the artifact of a deployment is kept for good."""

    deployment: str
    pinned: bool


def disk_answer(settings: Settings, space: Space, mark: Mark, usage: Usage, owners: Owners) -> DiskAnswer:
    """Return the answer of GET /v1/disk, the projects that use most first."""
    budgets = budgets_of(settings)
    rows = [
        ProjectUsage(id=project, slug=owners.projects[project], used=used_body(kinds), over=over(kinds, budgets))
        for project, kinds in usage.projects.items()
    ]
    rows.sort(key=lambda row: (-row.used.total, row.slug))
    return DiskAnswer(
        total_bytes=space.total, free_bytes=space.free, mark=mark.value, reserve_bytes=settings.disk_reserve << 20,
        clean_below_bytes=settings.disk_clean_below << 20, budgets=budgets, projects=rows, platform=dict(usage.platform),
    )  # fmt: skip


def prune_answer(found: Pruned, *, dry_run: bool) -> PruneAnswer:
    """Return the answer of POST /v1/disk/prune."""
    removed = [RemovalBody(what=item.what, name=item.name, bytes=item.bytes, project_id=item.project_id) for item in found.removed]
    return PruneAnswer(dry_run=dry_run, removed=removed, bytes=found.bytes, environments=found.environments)


def used_body(kinds: Mapping[str, int]) -> UsedBody:
    """Return what is used, with nothing where there is nothing."""
    return UsedBody.model_validate({kind: kinds.get(kind, 0) for kind in KINDS} | {"total": sum(kinds.values())})


def budgets_of(settings: Settings) -> dict[str, int]:
    """Return what a project may keep of each kind, in bytes."""
    mebibytes = {
        "artifacts": settings.disk_artifacts, "build_logs": settings.disk_build_logs, "instance_logs": settings.disk_instance_logs,
        "caches": settings.disk_caches, "repository": settings.disk_repository, "mirrors": settings.disk_mirrors,
    }  # fmt: skip
    return {kind: size << 20 for kind, size in mebibytes.items()}


def over(kinds: Mapping[str, int], budgets: Mapping[str, int]) -> list[str]:
    """Return the kinds of which there is more than the budget."""
    return [kind for kind, budget in budgets.items() if kinds.get(kind, 0) > budget]
