"""HTTP for proofs of backups."""

from canonry.core import signatures
from canonry.core.access import Permission
from canonry.features.backups.proofs import service
from canonry.features.backups.proofs.rules import KEY
from canonry.features.backups.proofs.schemas import ProofAnswer, ProofsAnswer, proof_body
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import Routes

router = Routes(tags=["Backups"])

_PATH = "/projects/{project}/database/proofs"


@router.operation("POST", "/projects/{project}/database/drill", Permission.PROJECTS_DEPLOY, status_code=202, errors=(503,))
def start_drill(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ProofAnswer:
    """Prove the newest backup of the database now: restore it into a throwaway one and check it. Every night does the same by itself."""
    return ProofAnswer(proof=proof_body(service.request(tx, actor, services, project)))


@router.operation("GET", _PATH, Permission.PROJECTS_READ)
def list_proofs(project: str, page: PageDep, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ProofsAnswer:
    """List the proofs of a project's backups, newest first, each signed."""
    rows, cursor = service.page(tx, actor, project, page)
    key = signatures.public_key_of(services.vault.key_for(KEY))
    return ProofsAnswer(proofs=[proof_body(row) for row in rows], public_key=key, next_cursor=cursor)


@router.operation("GET", f"{_PATH}/{{proof}}", Permission.PROJECTS_READ)
def get_proof(project: str, proof: str, actor: ActorDep, tx: TxDep) -> ProofAnswer:
    """Show one proof: what was checked, and what that showed."""
    return ProofAnswer(proof=proof_body(service.find(tx, actor, project, proof)))
