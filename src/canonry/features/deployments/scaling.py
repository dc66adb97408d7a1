"""How many instances of each process run, and how big they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Invalid, Issue
from canonry.features import projects
from canonry.features.deployments import store
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import launch, leading, scale
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.models import Release
from canonry.features.projects import PRODUCTION, Project, Scale
from canonry.infra.tx import Tx
from canonry.ports.plans import plan_from_json


@dataclass(frozen=True)
class Tier:
    """A size by name: MiB of memory and cores of one instance."""

    memory_mb: int
    cpu: float


TIERS: Mapping[str, Tier] = {"xs": Tier(128, 0.25), "s": Tier(256, 0.5), "m": Tier(512, 1), "l": Tier(1024, 2), "xl": Tier(2048, 4)}


@dataclass(frozen=True)
class Wish:
    """What somebody wants of one process; None leaves it as it is. default_cpu: no limit of its own any more."""

    process: str
    instances: int | None = None
    memory_mb: int | None = None
    cpu: float | None = None
    default_cpu: bool = False


@dataclass(frozen=True)
class ProcessScale:
    """One process: what is wanted (memory in MiB, cpu None for no limit) and how many of its instances run, and are healthy."""

    process: str
    instances: int
    memory_mb: int
    cpu: float | None
    running: int = 0
    healthy: int = 0

    @property
    def size(self) -> str | None:
        """The name of the tier that it is, if it is one."""
        return next((name for name, tier in TIERS.items() if (tier.memory_mb, tier.cpu) == (self.memory_mb, self.cpu)), None)


def set_scale(context: Context, actor: Actor, key: str, wish: Wish) -> tuple[Project, ProcessScale]:
    """Set how many instances of a process run and how big they are; the watch follows within a second or two.

    Safe beside a deployment: whichever release is live afterwards has that scale. The same wish again changes nothing.
    Raises: NotFound; Invalid `unknown_process`, naming those there are.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project_id = projects.find(tx, actor, key).id
    with leading.turn(context, project_id), context.transactions.begin() as tx:
        project = projects.get_any(tx, project_id)
        release = _live(tx, project)
        _require_process(release, wish.process)
        before = projects.scale_of(tx, project.id, wish.process)
        after = _merged(before, wish)
        if after != before:
            projects.set_scale(tx, project, after)
        if release is not None and project.status != "stopped":
            scale.fit(tx, context, project, release, release.deployment_id, wish.process)
        return projects.get_any(tx, project.id), _shown(context, after, [])


def scales(tx: Tx, context: Context, project: Project) -> list[ProcessScale]:
    """Return the scale of every process of production: those of the live release, and `web` before there is one."""
    release = _live(tx, project)
    processes = list(plan_from_json(release.plan).processes) if release is not None else [launch.WEB]
    rows = fleet.of_project(tx, project.id, PRODUCTION)
    return [
        _shown(context, projects.scale_of(tx, project.id, process), [row.status for row in rows if row.process == process])
        for process in processes
    ]


def _live(tx: Tx, project: Project) -> Release | None:
    live = store.live(tx, project.id, PRODUCTION)
    found = store.release(tx, live.release_id) if live is not None and live.release_id is not None else None
    return replace(found, deployment_id=live.id) if live is not None and found is not None else None


def _require_process(release: Release | None, process: str) -> None:
    known = list(plan_from_json(release.plan).processes) if release is not None else []
    if process not in {*known, launch.WEB}:
        message = f"There is no process {process!r}; there is {', '.join(known) or 'none yet: deploy first'}."
        raise Invalid("unknown_process", message, issues=[Issue("body.process", message, "unknown")])


def _merged(before: Scale, wish: Wish) -> Scale:
    cpu = None if wish.default_cpu else before.cpu if wish.cpu is None else round(wish.cpu, 2)
    return Scale(wish.process, wish.instances or before.instances, wish.memory_mb or before.memory_mb, cpu)


def _shown(context: Context, wanted: Scale, statuses: Sequence[str]) -> ProcessScale:
    memory = wanted.memory_mb or context.settings.instance_memory
    running = sum(status in {"starting", "healthy", "unhealthy"} for status in statuses)
    return ProcessScale(wanted.process, wanted.instances, memory, wanted.cpu, running, sum(status == "healthy" for status in statuses))
