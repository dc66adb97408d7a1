"""HTTP for volumes. They are made by deploying a source that declares them."""

from canonry.core.access import Permission
from canonry.core.environments import PRODUCTION
from canonry.features import projects
from canonry.features.volumes import service
from canonry.features.volumes.schemas import VolumesAnswer, volume_body
from canonry.http.deps import ActorDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Volumes"])


@router.operation("GET", "/projects/{project}/volumes", Permission.PROJECTS_READ)
def list_volumes(project: str, actor: ActorDep, tx: TxDep) -> VolumesAnswer:
    """List the volumes of a project, those of its previews and those that are detached too, with what they hold."""
    found = projects.find(tx, actor, project)
    return VolumesAnswer(volumes=[volume_body(volume) for volume in service.list_of(tx, found)])


@router.operation("DELETE", "/projects/{project}/volumes/{volume}", Permission.PROJECTS_DEPLOY, status_code=204, errors=(409,))
def remove_volume(project: str, volume: str, actor: ActorDep, tx: TxDep, environment: str = PRODUCTION) -> None:
    """Remove a volume with everything in it, by its id or its name. One that the live release uses is refused."""
    service.remove(tx, actor, projects.find(tx, actor, project), volume, environment)
