"""HTTP for the audit trail: read it, check it."""

from typing import Annotated

from fastapi import Query

from canonry.core.access import Permission
from canonry.core.moments import parse_since
from canonry.core.paging import parse_page
from canonry.features.audit import service
from canonry.features.audit.anchors import Anchors
from canonry.features.audit.models import Filter
from canonry.features.audit.rules import all_words, words_of
from canonry.features.audit.schemas import ActivityAnswer, ActivityQuery, ChainsAnswer, chains_answer, event_body
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import SignerDep
from canonry.http.routing import Routes

router = Routes(tags=["Activity"])

_Platform = Annotated[bool, Query(description="every chain there is; needs platform:manage")]


@router.operation("GET", "/activity", Permission.PROJECTS_READ, errors=(404,))
def list_activity(actor: ActorDep, tx: TxDep, query: Annotated[ActivityQuery, Query()], signer: SignerDep) -> ActivityAnswer:
    """List what happened in your organization, newest first: who did what, with which credential, from where, before and after."""
    kind, since, until = query.kind, query.since, query.until
    chosen = Filter(
        project_id=service.project_filter(tx, actor, query.project), user_id=query.actor, name=query.name,
        words=None if kind is None else words_of(kind), other_words=all_words() if kind == "system" else None,
        since=None if since is None else parse_since(since), until=None if until is None else parse_since(until, "query.until"),
    )  # fmt: skip
    rows, following = service.activity(tx, actor, parse_page(query.limit, query.cursor, signer), chosen, platform=query.platform)
    return ActivityAnswer(events=[event_body(row) for row in rows], next_cursor=following)


@router.operation("GET", "/activity/verify", Permission.ORG_MANAGE)
def verify_activity(actor: ActorDep, tx: TxDep, services: ServicesDep, platform: _Platform = False) -> ChainsAnswer:
    """Recompute the chain of hashes over your organization's events, and name the first event that does not fit."""
    return chains_answer(service.verify(tx, actor, Anchors(services.home.audit_anchors), platform=platform))
