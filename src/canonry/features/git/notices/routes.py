"""HTTP for what GitHub tells. Anybody may call it; the signature over the raw bytes is the gate."""

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from canonry.core.errors import Unauthenticated
from canonry.features.git.notices import service
from canonry.features.git.notices.schemas import NoticedAnswer
from canonry.http.bodies import Bodies
from canonry.http.deps import ServicesDep
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Git"], bodies=Bodies.SMALL)

_BODY = {
    "requestBody": {
        "required": True,
        "description": "What GitHub sends, signed with CANONRY_GITHUB_WEBHOOK_SECRET.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": {"ref": "refs/heads/main"}}},
    }
}


@router.operation("POST", "/webhook", PUBLIC, errors=[401, 413], body_limit=1, openapi_extra=_BODY)
async def take_notice(request: Request, services: ServicesDep) -> NoticedAnswer:
    """Take what GitHub tells of repositories of specifications: pushes, pull requests, issues, installations of the app.

    Signed by HMAC-SHA256 over the raw body in `X-Hub-Signature-256`. A delivery acts once, however often it is sent. A push is fetched and
    indexed in the background; a merged pull request that was approved makes the specs it touched `review_status: approved`.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = await request.body()
    if not service.is_signed(headers, body, services.settings.github_webhook_secret):
        hint = "Sign the raw body with the webhook secret: X-Hub-Signature-256: sha256=<HMAC-SHA256, hex>."
        raise Unauthenticated("invalid_signature", "Invalid signature", hint=hint)
    outcome = await run_in_threadpool(service.take, services, headers, body)
    return NoticedAnswer(event=outcome.event, processed=outcome.is_processed, reason=outcome.reason or None)
