"""HTTP for the disk: who uses what, prune; which deployments are kept for good."""

from canonry.core.access import Permission
from canonry.features.disk import rules, service
from canonry.features.disk.schemas import (
    DiskAnswer,
    PinAnswer,
    ProjectDiskAnswer,
    PruneAnswer,
    PruneRequest,
    budgets_of,
    disk_answer,
    over,
    prune_answer,
    used_body,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Disk"])


@router.operation("GET", "/disk", Permission.PLATFORM_MANAGE)
def show_disk(services: ServicesDep) -> DiskAnswer:
    """Show how full the disk is and who uses how much of it."""
    space = services.ports.disk.space()
    return disk_answer(services.settings, space, rules.mark_of(services.settings, space), *service.usage(services))


@router.operation("POST", "/disk/prune", Permission.PLATFORM_MANAGE, repeatable=True)
def prune_disk(body: PruneRequest, actor: ActorDep, services: ServicesDep) -> PruneAnswer:
    """Remove what can be made again (caches, unused toolchains, mirrors) and what projects keep beyond their budgets."""
    return prune_answer(service.prune(services, actor, dry_run=body.dry_run), dry_run=body.dry_run)


@router.operation("GET", "/projects/{project}/disk", Permission.PROJECTS_READ)
def show_project_disk(project: str, actor: ActorDep, services: ServicesDep) -> ProjectDiskAnswer:
    """Show what a project keeps on the disk, and what it may."""
    slug, kinds, pinned = service.usage_of(services, actor, project)
    budgets = budgets_of(services.settings)
    return ProjectDiskAnswer(project=slug, used=used_body(kinds), budgets=budgets, over=over(kinds, budgets), pinned=pinned)


@router.operation("PUT", "/deployments/{deployment}/pin", Permission.PROJECTS_DEPLOY, errors=(409,))
def pin_deployment(deployment: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PinAnswer:
    """Keep what this deployment built for good, so that a rollback to it stays possible."""
    return PinAnswer(deployment=service.pin(tx, actor, services.ports.builder, deployment).id, pinned=True)


@router.operation("DELETE", "/deployments/{deployment}/pin", Permission.PROJECTS_DEPLOY)
def unpin_deployment(deployment: str, actor: ActorDep, tx: TxDep) -> PinAnswer:
    """Keep it no longer than others."""
    return PinAnswer(deployment=service.unpin(tx, actor, deployment).id, pinned=False)
