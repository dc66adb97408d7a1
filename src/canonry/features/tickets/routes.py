"""HTTP for tickets: the five of the seed, which go to whatever tracker a repository uses, and Canonry's own."""

from dataclasses import replace
from typing import Annotated

from fastapi import Body, Path, Query

from canonry.core.access import Permission
from canonry.features.tickets import service
from canonry.features.tickets.models import Direction
from canonry.features.tickets.schemas import (
    ChangeTicketRequest,
    CreateTicketRequest,
    LinkPullRequest,
    SyncTicketsRequest,
    TicketAnswer,
    TicketBatchAnswer,
    TicketBatchRequest,
    TicketDoneAnswer,
    TicketFault,
    TicketMadeAnswer,
    TicketsAnswer,
    TicketState,
    TicketStatusAnswer,
    TicketStatusRequest,
    TicketSyncAnswer,
    TicketSyncsAnswer,
    TicketTarget,
    UpdateTicketRequest,
    Word,
    change_from,
    status_answer,
    sync_body,
    ticket_body,
    wish_from,
)
from canonry.features.tickets.service import Desk
from canonry.http.deps import ActorDep, OrgActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes
from canonry.ports.trackers import LinkedPull, TicketChange

router = Routes(tags=["Tickets"])
proxy_router = Routes(tags=["Tickets"])

TicketId = Annotated[str, Path(max_length=100, description="its id, like PAY-7")]
_SYNCS = "/repositories/{repository}/tickets/syncs"


@proxy_router.operation("POST", "/app/{org}/api/tickets/create", Permission.SPECS_WRITE, errors=(422, 503))
def create_ticket(org: str, body: CreateTicketRequest, actor: OrgActorDep, services: ServicesDep) -> TicketMadeAnswer:
    """Make a ticket. One whose text ends with the mark of a section that has a ticket is not made again: that one is returned."""
    del org
    desk, repository_id = service.desk_of(services, actor, owner=body.owner, repo=body.repo, system=body.ticket_system)
    wish = wish_from(body.input)
    made = desk.create(replace(wish, **service.wish_of(wish, repository_id)))
    return TicketMadeAnswer(ticket_id=made.id, ticket_url=made.url)


@proxy_router.operation("POST", "/app/{org}/api/tickets/status", Permission.SPECS_READ, errors=(422, 503))
def show_ticket_status(org: str, body: TicketStatusRequest, actor: OrgActorDep, services: ServicesDep) -> TicketStatusAnswer:
    """Show how far a ticket is."""
    del org
    return status_answer(_desk(services, actor, body).get(body.ticket_id))


@proxy_router.operation("POST", "/app/{org}/api/tickets/batch-status", Permission.SPECS_READ, errors=(422, 503))
def show_ticket_statuses(org: str, body: TicketBatchRequest, actor: OrgActorDep, services: ServicesDep) -> TicketBatchAnswer:
    """Show how far up to a hundred tickets are; one that is not there fails none of the others."""
    del org
    found, faults = _desk(services, actor, body).several(body.ticket_ids)
    return TicketBatchAnswer(
        results=[status_answer(ticket) for ticket in found], errors=[TicketFault(ticket_id=key, error=why) for key, why in faults]
    )


@proxy_router.operation("POST", "/app/{org}/api/tickets/update", Permission.SPECS_WRITE, errors=(422, 503))
def update_ticket(org: str, body: UpdateTicketRequest, actor: OrgActorDep, services: ServicesDep) -> TicketDoneAnswer:
    """Change a ticket; what is left out stays. Sections that are linked to it follow."""
    del org
    _desk(services, actor, body).change(body.input.ticket_id, change_from(body.input))
    return TicketDoneAnswer()


@proxy_router.operation("POST", "/app/{org}/api/tickets/link-pr", Permission.SPECS_WRITE, errors=(422, 503))
def link_pull_request(org: str, body: LinkPullRequest, actor: OrgActorDep, services: ServicesDep) -> TicketDoneAnswer:
    """Let a ticket name a pull request."""
    del org
    _desk(services, actor, body).link_pull_request(body.ticket_id, LinkedPull(str(body.pr_url), body.pr_title))
    return TicketDoneAnswer()


@router.operation("GET", "/tickets", Permission.SPECS_READ)
def list_tickets(
    actor: ActorDep,
    tx: TxDep,
    services: ServicesDep,
    *,
    state: Annotated[TicketState | None, Query()] = None,
    project_key: Annotated[Word | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> TicketsAnswer:
    """List the newest tickets that live in Canonry."""
    found = service.page(services, tx, actor, state=state, project_key=project_key, limit=limit)
    return TicketsAnswer(tickets=[ticket_body(ticket) for ticket in found])


@router.operation("GET", "/tickets/{ticket}", Permission.SPECS_READ, errors=(503,))
def show_ticket(ticket: TicketId, actor: ActorDep, services: ServicesDep) -> TicketAnswer:
    """Show a ticket that lives in Canonry, with the pull requests it names."""
    return TicketAnswer(ticket=ticket_body(Desk(services, actor, service.LOCAL).get(ticket)))


@router.operation("PATCH", "/tickets/{ticket}", Permission.SPECS_WRITE, errors=(503,))
def change_ticket(ticket: TicketId, body: ChangeTicketRequest, actor: ActorDep, services: ServicesDep) -> TicketAnswer:
    """Change a ticket that lives in Canonry; what is left out stays. Sections that are linked to it follow."""
    change = TicketChange(body.summary, body.description, body.state, body.blocked_by)
    return TicketAnswer(ticket=ticket_body(Desk(services, actor, service.LOCAL).change(ticket, change)))


@router.operation("POST", _SYNCS, Permission.SPECS_WRITE, status_code=202)
def sync_tickets(
    repository: str, actor: ActorDep, tx: TxDep, body: Annotated[SyncTicketsRequest | None, Body()] = None
) -> TicketSyncAnswer:
    """Bring the specs of a repository and their tickets together now. A push and a changed ticket do so by themselves."""
    wanted = body or SyncTicketsRequest()
    run = service.ask_for_sync(tx, actor, repository, Direction(wanted.direction), dry_run=wanted.dry_run)
    return TicketSyncAnswer(sync=sync_body(run))


@router.operation("GET", _SYNCS, Permission.SPECS_READ)
def list_ticket_syncs(repository: str, actor: ActorDep, tx: TxDep) -> TicketSyncsAnswer:
    """List the last syncs of a repository that did something, and those that were asked for."""
    return TicketSyncsAnswer(syncs=[sync_body(run) for run in service.list_runs(tx, actor, repository)])


@router.operation("GET", f"{_SYNCS}/{{sync}}", Permission.SPECS_READ)
def show_ticket_sync(repository: str, sync: str, actor: ActorDep, tx: TxDep) -> TicketSyncAnswer:
    """Show what a sync did."""
    return TicketSyncAnswer(sync=sync_body(service.get_run(tx, actor, repository, sync)))


def _desk(services: ServicesDep, actor: OrgActorDep, body: TicketTarget) -> Desk:
    return service.desk_of(services, actor, owner=body.owner, repo=body.repo, system=body.ticket_system)[0]
