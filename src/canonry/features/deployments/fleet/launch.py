"""Starting the instances of a release and waiting until they are healthy."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from canonry.core.clock import now
from canonry.core.ids import new_id
from canonry.features import databases, projects, volumes
from canonry.features.deployments import frozen
from canonry.features.deployments import store as deployments
from canonry.features.deployments.build_log import BuildLog
from canonry.features.deployments.cancellation import Cancellation
from canonry.features.deployments.context import Context
from canonry.features.deployments.errors import StepFailed
from canonry.features.deployments.fleet import health, store
from canonry.features.deployments.models import Deployment, Instance, Release
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.builder import Artifact, Mount
from canonry.ports.plans import plan_from_json
from canonry.ports.runtime import InstanceSpec, Resources

WEB = "web"
_QUICK_LOOKS = 100  # at 20 ms: the first two seconds, in which most apps come up
_WORKER_SECONDS = 0.5  # a process without a port that runs this long has started


def run_release_command(context: Context, project: Project, deployment: Deployment, release: Release, log: BuildLog) -> None:
    """Run the release command once (migrations), before anything of the release starts. Raises: StepFailed `release_command_failed`."""
    command = plan_from_json(release.plan).release
    if command is None or deployment.release_command_done or deployment.source["kind"] in {"release", "renewal"}:
        return
    log.say(f"Release command: {command}")
    artifact = context.ports.builder.load(release.artifact_id)
    name = f"{deployment.id}-release"
    spec = InstanceSpec(
        id=name, command=command, log=context.home.instance_logs / f"{name}.log", resources=Resources(context.settings.build_memory),
        needs_port=False, **_surroundings(context, project, release, artifact),
    )  # fmt: skip
    code = context.ports.runtime.run(spec, log.build, timeout=context.settings.build_timeout)
    if code != 0:
        reason = "did not end in time" if code == 124 else f"ended with code {code}"
        raise StepFailed("release_command_failed", f"The release command {reason}.", hint="Its output is in the build log.")
    with context.transactions.begin() as tx:
        deployments.update(tx, deployment.id, {"release_command_done": True})


def start(context: Context, project: Project, deployment: Deployment, release: Release, log: BuildLog) -> list[Instance]:
    """Start every instance the release shall have; those that run already stay. Returns them all. Raises: StartFailed."""
    with context.transactions.begin() as tx:
        add_missing(tx, context, project, release, deployment.id)
        instances = store.of_release(tx, release.id)
    artifact = context.ports.builder.load(release.artifact_id)
    for instance in instances:
        log.say(f"Start {instance.process}.{instance.index}")
        start_one(context, project, release, instance, artifact)
    return instances


def add_missing(tx: Tx, context: Context, project: Project, release: Release, deployment_id: str) -> None:
    """Add a row for each instance that the project's scale asks for and that is not there yet."""
    for process in plan_from_json(release.plan).processes:
        scale = projects.scale_of(tx, project.id, process, release.environment)
        for index in range(scale.instances):
            store.insert(tx, Instance(
                id=new_id("ins"), project_id=project.id, environment=release.environment, release_id=release.id,
                deployment_id=deployment_id, process=process, index=index, status="starting", restarts=0, failures=0, address=None,
                reason="", memory_mb=scale.memory_mb or context.settings.instance_memory, cpu=scale.cpu,
                started_at=now(), next_start_at=None, stop_after=None,
            ))  # fmt: skip


def start_one(context: Context, project: Project, release: Release, instance: Instance, artifact: Artifact) -> None:
    """Start one instance; one that runs already is left alone. Raises: StartFailed."""
    context.ports.runtime.start(InstanceSpec(
        id=instance.runtime_id, command=plan_from_json(release.plan).processes[instance.process], log=log_path(context, instance.id),
        resources=Resources(instance.memory_mb, instance.cpu), needs_port=instance.process == WEB,
        **_surroundings(context, project, release, artifact),
    ))  # fmt: skip


def log_path(context: Context, instance_id: str) -> Path:
    """Return the file that an instance's output goes to, whichever start of it is running."""
    return context.home.instance_logs / f"{instance_id}.log"


def wait_until_healthy(
    context: Context, project: Project, release: Release, instances: Sequence[Instance], log: BuildLog, cancellation: Cancellation
) -> None:
    """Return when every instance is healthy, and note their addresses. Raises: StepFailed, DeploymentStopped."""
    waiting = list(instances)
    with context.transactions.begin() as tx:
        host = host_of(tx, context, project.id, release.environment)
    begun = time.monotonic()
    until = begun + health_timeout(context, project)
    looks, fault = 0, ""
    while waiting:
        cancellation.check()
        fault = _look(context, host, release, waiting, begun=begun, until=until)
        if waiting and time.monotonic() > until:
            raise _unhealthy(context, project, waiting[0], fault)
        if waiting:
            looks += 1
            time.sleep(0.02 if looks < _QUICK_LOOKS else 0.2)
    log.say(f"Healthy after {time.monotonic() - begun:.2f} s")


def _look(context: Context, host: str, release: Release, waiting: list[Instance], *, begun: float, until: float) -> str:
    """Check each waiting instance once; healthy ones leave the list. Returns what is wrong with the last one looked at."""
    plan, fault = plan_from_json(release.plan), ""
    for instance in list(waiting):
        state = context.ports.runtime.state(instance.runtime_id)
        if state is None or not state.running:
            reason = state.reason if state is not None else "it ended"
            raise StepFailed("instance_exited", f"{instance.process}.{instance.index} ended before it was healthy: {reason or 'it ended'}.",
                             hint=_advice(context, instance, reason))  # fmt: skip
        if instance.process == WEB:
            budget = max(0.5, min(5.0, until - time.monotonic()))
            fault = health.check(state.address, host, plan.health_path, timeout=budget)
        elif time.monotonic() - begun < _WORKER_SECONDS:
            fault = "it has just started"
            continue
        if not fault:
            with context.transactions.begin() as tx:
                store.update(tx, instance, {"status": "healthy", "address": state.address})
            waiting.remove(instance)
    return fault


def host_of(tx: Tx, context: Context, project_id: str, environment: str) -> str:
    """Return the host under which an environment is served when it has no domain of its own. Raises: StepFailed `environment_closed`."""
    label = projects.label_of(tx, project_id, environment)
    if label is None:
        raise StepFailed("environment_closed", f"{environment} was removed meanwhile.", hint="Make the preview again.")
    return f"{label}.{context.settings.base_domain}"


def health_timeout(context: Context, project: Project) -> int:
    """Return how many seconds a new instance may take to become healthy."""
    return project.health_timeout or context.settings.health_timeout


def _unhealthy(context: Context, project: Project, instance: Instance, fault: str) -> StepFailed:
    state = context.ports.runtime.state(instance.runtime_id)
    elsewhere = health.listening_elsewhere(state) if state is not None else ""
    seconds = health_timeout(context, project)
    return StepFailed("unhealthy", f"{instance.process}.{instance.index} was not healthy within {seconds} s: {fault}.",
                      hint=elsewhere or _last_lines(context, instance))  # fmt: skip


def _advice(context: Context, instance: Instance, reason: str) -> str:
    more = "Give it more: canonry scale --memory MIB. " if "of memory" in reason else ""
    return more + _last_lines(context, instance)


def _last_lines(context: Context, instance: Instance, count: int = 20) -> str:
    try:
        with log_path(context, instance.id).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 8192))
            lines = file.read().decode(errors="replace").strip().splitlines()[-count:]
    except FileNotFoundError:
        lines = []
    return "Its last output:\n" + "\n".join(lines) if lines else "It wrote nothing; check the start command with `canonry plan`."


class _Surroundings(TypedDict):
    app: Path
    environment: Mapping[str, str]
    mounts: Sequence[Mount]
    directory: str
    labels: Mapping[str, str]


def _surroundings(context: Context, project: Project, release: Release, artifact: Artifact) -> _Surroundings:
    """Return what every command of a release is given: files, environment, labels. What its database delivers is that of this moment."""
    with context.transactions.begin() as tx:
        variables = frozen.frozen_of(tx, context.vault, release).run
        delivered = databases.delivery(tx, context.vault, context.ports.clusters, project.id, release.environment)
    kept = volumes.provide(context, project.id, release.environment, plan_from_json(release.plan).volumes)
    environment = {
        **artifact.environment, **delivered, **variables,
        "CANONRY_PROJECT": project.slug, "CANONRY_ENVIRONMENT": release.environment, "CANONRY_RELEASE": release.id,
        "CANONRY_COMMIT": release.commit or "",
    }  # fmt: skip
    return _Surroundings(
        app=artifact.folder / "app", environment=environment, mounts=(*artifact.mounts, *kept), directory=artifact.plan.root_dir,
        labels={"project": project.id, "release": release.id},
    )  # fmt: skip
