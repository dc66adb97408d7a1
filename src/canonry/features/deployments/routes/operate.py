"""HTTP for what runs: stop, start, scale, instances, delete."""

from canonry.core.access import Permission
from canonry.core.environments import PRODUCTION
from canonry.features import projects
from canonry.features.deployments import lifecycle, scaling
from canonry.features.deployments.routes.parameters import Environment
from canonry.features.deployments.schemas import (
    MOST_INSTANCES,
    InstancesAnswer,
    ScaleAnswer,
    ScaledAnswer,
    ScaleRequest,
    TierBody,
    instance_body,
    scale_body,
)
from canonry.features.projects import ProjectAnswer, answer_of
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Projects"])


@router.operation("POST", "/projects/{project}/stop", Permission.PROJECTS_DEPLOY, repeatable=True)
def stop_project(project: str, actor: ActorDep, services: ServicesDep) -> ProjectAnswer:
    """Stop a project; its site answers that it is stopped."""
    return answer_of(lifecycle.stop(services, actor, project), services.settings)


@router.operation("POST", "/projects/{project}/start", Permission.PROJECTS_DEPLOY, repeatable=True)
def start_project(project: str, actor: ActorDep, services: ServicesDep) -> ProjectAnswer:
    """Start a stopped project with its live release, without a build."""
    return answer_of(lifecycle.start(services, actor, project), services.settings)


@router.operation("DELETE", "/projects/{project}", Permission.PROJECTS_DEPLOY, status_code=204, errors=[409])
def delete_project(project: str, actor: ActorDep, services: ServicesDep) -> None:
    """Delete a project and all that belongs to it; its slug is free again."""
    lifecycle.delete(services, actor, project)


@router.operation("POST", "/projects/{project}/scale", Permission.PROJECTS_DEPLOY, repeatable=True)
def scale_project(project: str, body: ScaleRequest, actor: ActorDep, services: ServicesDep) -> ScaledAnswer:
    """Set how many instances of a process run, and how big they are."""
    found, scale = scaling.set_scale(services, actor, project, body.wish)
    return ScaledAnswer(**answer_of(found, services.settings).model_dump(), scale=scale_body(scale))


@router.operation("GET", "/projects/{project}/scale", Permission.PROJECTS_READ)
def show_scale(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ScaleAnswer:
    """Show how many instances of each process are wanted and run, how big they are, and which sizes there are."""
    processes = scaling.scales(tx, services, projects.find(tx, actor, project))
    tiers = [TierBody(size=name, memory_mb=tier.memory_mb, cpu=tier.cpu) for name, tier in scaling.TIERS.items()]
    return ScaleAnswer(processes=[scale_body(scale) for scale in processes], tiers=tiers, max_instances=MOST_INSTANCES)


@router.operation("GET", "/projects/{project}/instances", Permission.PROJECTS_READ)
def list_instances(
    project: str, actor: ActorDep, tx: TxDep, services: ServicesDep, environment: Environment = PRODUCTION
) -> InstancesAnswer:
    """List the instances of a project (of production, unless another environment is named) and what each is doing."""
    found = projects.find(tx, actor, project)
    rows = lifecycle.instances(tx, found, environment)
    states = {row.id: services.ports.runtime.state(row.runtime_id) for row in rows}
    return InstancesAnswer(instances=[instance_body(row, state.memory_bytes if (state := states[row.id]) else 0) for row in rows])
