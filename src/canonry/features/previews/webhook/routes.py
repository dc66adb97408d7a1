"""HTTP for the webhook of a project. Anybody may call it; the signature over the raw bytes is the gate."""

import secrets
import tempfile
from collections.abc import Mapping
from typing import BinaryIO, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from canonry.core.errors import Unauthenticated
from canonry.core.secret import Secret
from canonry.features import git
from canonry.features.previews.schemas import DeliveredAnswer
from canonry.features.previews.webhook import service
from canonry.features.previews.webhook.signatures import SignatureCheck, claims_anything
from canonry.http.deps import Services, ServicesDep
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Git"])

BODY_LIMIT = 25  # MiB; the most that GitHub sends
_IN_MEMORY = 1 << 20
_BODY = {
    "requestBody": {
        "required": True,
        "description": "What the host of the repository sends, signed with the webhook secret of the project.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": {"ref": "refs/heads/main"}}},
    }
}


@router.operation(
    "POST", "/projects/{project}/git/webhook", PUBLIC, status_code=201, errors=[401, 413], body_limit=BODY_LIMIT, openapi_extra=_BODY,
    responses={200: {"model": DeliveredAnswer}, 202: {"model": DeliveredAnswer}},
)  # fmt: skip
async def take_webhook(project: str, request: Request, services: ServicesDep) -> DeliveredAnswer:
    """Take a push or pull request from the host of the repository: production for the tracked branch, else a preview.

    Signed by HMAC-SHA256 over the raw body in `X-Hub-Signature-256`, `X-Canonry-Signature` or `X-Gitea-Signature`; or the secret itself in
    `X-Gitlab-Token`. A delivery acts once, however often it is sent. 401 says nothing about whether the project exists.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not claims_anything(headers):
        raise _refused()
    project_id, secret = await run_in_threadpool(_secret_of, services, project)
    check = SignatureCheck(headers, secret)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        body = cast("BinaryIO", file)
        async for piece in request.stream():
            check.update(piece)
            body.write(piece)
        if not check.is_right() or project_id is None:
            raise _refused()
        outcome = await run_in_threadpool(_take, services, project_id, headers, body)
    return cast("DeliveredAnswer", JSONResponse(dict(outcome.body), outcome.status))


def _secret_of(services: Services, project: str) -> tuple[str | None, Secret]:
    """Return the project and its secret; for one that is not there, a secret that nobody knows: the same work is done."""
    with services.transactions.begin() as tx:
        found = git.webhook_secret(tx, services.vault, project)
    if found is None:
        unknown = services.vault.seal(secrets.token_hex(32), bound="no project")
        return None, services.vault.open(unknown, bound="no project")
    return found


def _take(services: Services, project_id: str, headers: Mapping[str, str], body: BinaryIO) -> service.Outcome:
    body.seek(0)
    return service.take(services, project_id, headers, body.read())


def _refused() -> Unauthenticated:
    hint = "Sign the raw body with the project's webhook secret: X-Hub-Signature-256: sha256=<HMAC-SHA256, hex>."
    return Unauthenticated("invalid_signature", "The signature is missing or wrong.", hint=hint)
