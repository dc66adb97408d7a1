"""HTTP for what a push to a repository of several projects deploys."""

from canonry.core.access import Permission
from canonry.core.refs import parse_branch
from canonry.features import git
from canonry.features.deployments import shared
from canonry.features.deployments.schemas import PushedAnswer, PushedProject, PushedRequest
from canonry.http.deps import ActorDep, ServicesDep
from canonry.http.routing import Routes

router = Routes(tags=["Deployments"])


@router.operation(
    "POST", "/repositories/{repository}/deployments", Permission.PROJECTS_DEPLOY, status_code=202, errors=[409], repeatable=True
)
def deploy_repository(repository: str, body: PushedRequest, actor: ActorDep, services: ServicesDep) -> PushedAnswer:
    """Deploy the projects of a hosted repository that are concerned by what changed on a branch since they were last deployed from it."""
    branch = parse_branch(body.branch, field="body.branch")
    with services.transactions.begin() as tx:
        found = git.find_repository(tx, actor, repository)
    done = shared.deploy_affected(services.transactions, actor, services.home, found, branch)
    return PushedAnswer(projects=[
        PushedProject(project=item.project.slug, outcome=item.outcome, deployment_id=item.deployment.id if item.deployment else None)
        for item in done
    ])  # fmt: skip
