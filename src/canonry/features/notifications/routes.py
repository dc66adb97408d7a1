"""HTTP for what the caller is mailed about."""

from canonry.core.access import require_person
from canonry.core.errors import NotFound
from canonry.features.notifications import service
from canonry.features.notifications.schemas import ChangeNotifications, NotificationsAnswer, answer_of
from canonry.http.deps import ActorDep, TxDep
from canonry.http.routing import SIGNED_IN, Routes

router = Routes(tags=["Account"])


@router.operation("GET", "/me/notifications", SIGNED_IN, errors=(404,))
def get_notifications(actor: ActorDep, tx: TxDep) -> NotificationsAnswer:
    """Show what you are mailed about in this organization: failed deploys of production, unless you change it."""
    _require_organization(actor.organization_id)
    return answer_of(service.wishes_of(tx, actor), reachable=service.is_reachable(tx, actor))


@router.operation("PATCH", "/me/notifications", SIGNED_IN, errors=(404,))
def change_notifications(body: ChangeNotifications, actor: ActorDep, tx: TxDep) -> NotificationsAnswer:
    """Change what you are mailed about. It takes a session or a token of scope admin."""
    require_person(actor)
    _require_organization(actor.organization_id)
    wishes = service.change(tx, actor, body.model_dump(exclude_none=True))
    return answer_of(wishes, reachable=service.is_reachable(tx, actor))


def _require_organization(organization_id: str) -> None:
    if not organization_id:
        raise NotFound("organization_not_found", "You are in no organization, so there is nothing to be told about.")
