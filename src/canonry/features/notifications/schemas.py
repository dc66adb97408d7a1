"""Shapes of requests and answers about what people are told."""

from pydantic import BaseModel, ConfigDict, Field

from canonry.features.notifications.models import Wish, Wishes

_FAILED = "all: of everybody's deployments; own: of those you asked for; off: none"


class WishesBody(BaseModel):
    """What you are mailed about in this organization."""

    failed_production: Wish = Field(description=_FAILED)
    failed_preview: Wish = Field(description=_FAILED)
    recovered: bool = Field(description="also when it works again, of those whose failure you were told")


class NotificationsAnswer(BaseModel):
    """What you are mailed about, and whether mail reaches you."""

    notifications: WishesBody
    reachable: bool = Field(description="false while your address is not verified: then nothing is sent")


class ChangeNotifications(BaseModel):
    """Body of PATCH /v1/me/notifications; what is absent stays."""

    model_config = ConfigDict(extra="forbid")
    failed_production: Wish | None = None
    failed_preview: Wish | None = None
    recovered: bool | None = None


def answer_of(wishes: Wishes, *, reachable: bool) -> NotificationsAnswer:
    """Return what somebody is told as the API shows it."""
    body = WishesBody(failed_production=wishes.failed_production, failed_preview=wishes.failed_preview, recovered=wishes.recovered)
    return NotificationsAnswer(notifications=body, reachable=reachable)
