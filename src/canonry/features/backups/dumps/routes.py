"""HTTP for dumps of databases. They are made by POST …/database/backups and restored by POST …/database/restores."""

from fastapi import Request
from fastapi.responses import StreamingResponse

from canonry.core.access import Permission
from canonry.core.origin import current_origin
from canonry.features.backups.dumps import service
from canonry.features.backups.dumps.schemas import DumpAnswer, DumpsAnswer, dump_body
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.download import FILE, download
from canonry.http.gate import origin_of
from canonry.http.paging import PageDep
from canonry.http.routing import Routes

router = Routes(tags=["Backups"])

_PATH = "/projects/{project}/database/dumps"


@router.operation("GET", _PATH, Permission.PROJECTS_READ)
def list_dumps(project: str, page: PageDep, actor: ActorDep, tx: TxDep) -> DumpsAnswer:
    """List the dumps of a project's databases, newest first. One is made each night, and whenever you ask for one."""
    rows, cursor = service.listed(tx, actor, project, page)
    return DumpsAnswer(dumps=[dump_body(row) for row in rows], next_cursor=cursor)


@router.operation("GET", f"{_PATH}/{{dump}}", Permission.PROJECTS_READ)
def get_dump(project: str, dump: str, actor: ActorDep, tx: TxDep) -> DumpAnswer:
    """Show a dump: the moment it holds, how many rows each table has in it."""
    return DumpAnswer(dump=dump_body(service.find(tx, actor, project, dump)))


@router.operation(
    "GET",
    f"{_PATH}/{{dump}}/content",
    Permission.PROJECTS_DEPLOY,
    errors=(409, 503),
    response_class=StreamingResponse,
    responses={200: FILE},
)
def download_dump(project: str, dump: str, request: Request, actor: ActorDep, services: ServicesDep) -> StreamingResponse:
    """Download a dump, as pg_restore reads it. When it turns out to be damaged the answer breaks off, and the dump says why."""
    current_origin.set(origin_of(request, actor))  # a question, yet it is told who asked it
    found = service.read(services, actor, project, dump)
    return download(found.pieces, found.name)
