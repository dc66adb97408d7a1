"""HTTP for repositories that live at a host, and the look at any repository that somebody asks for."""

from canonry.core.access import Permission
from canonry.core.errors import Invalid, Issue
from canonry.features.git.elsewhere import service
from canonry.features.git.elsewhere.schemas import AddedAnswer, AddRepositoryRequest
from canonry.features.git.repositories import service as repositories
from canonry.features.git.repositories.schemas import RepositoryAnswer, body_of
from canonry.http.deps import ActorDep, ServicesDep
from canonry.http.routing import Routes

router = Routes(tags=["Git"])


@router.operation("POST", "/repositories/github", Permission.SPECS_WRITE, status_code=201, errors=[409, 503])
def add_repository(body: AddRepositoryRequest, actor: ActorDep, services: ServicesDep) -> AddedAnswer:
    """Add a repository that lives at GitHub: its specifications are indexed, edited and proposed like those of one that lies here."""
    token = body.secret()
    if token is not None and not (token.reveal() and token.reveal().isascii() and token.reveal().isprintable()):
        raise Invalid("invalid_token", "The token is empty or has characters that no token has.",
                      issues=[Issue("body.token", "not a token", "token")])  # fmt: skip
    added, problem = service.add(services, actor, body.repository, token)
    return AddedAnswer(repository=body_of(added, services.settings), webhook_problem=problem or None)


@router.operation("POST", "/repositories/{repository}/refresh", Permission.SPECS_WRITE, errors=[409, 413, 503], repeatable=True)
def refresh_repository(repository: str, actor: ActorDep, services: ServicesDep) -> RepositoryAnswer:
    """Look at the repository now: what is new on its default branch is indexed. A push does this by itself."""
    with services.transactions.begin() as tx:
        found = repositories.find(tx, actor, repository)
    if found.is_elsewhere:
        service.bring(services, found)
    else:
        repositories.look_again(services.transactions, services.home, found)
    with services.transactions.begin() as tx:
        return RepositoryAnswer(repository=body_of(repositories.find(tx, actor, found.id), services.settings))
