"""The description of the API (OpenAPI 3.1): what FastAPI knows of the routes, completed by what holds for all of them."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from canonry.http.errors import ENVELOPE
from canonry.http.examples import example_of

type Document = dict[str, Any]
type Operation = dict[str, Any]

ABOUT = """
One API for projects, deployments, domains and variables. Every `/v1/x` answers the same at `/x`.

**Who calls.** `Authorization: Bearer cnr_…`, or the session cookie of a browser. Scopes: read < deploy < admin.

**Errors.** Every error is `{error, message, request_id}`, with `hint` where something can be done and `issues` where fields are wrong.
`error` is a stable code; `request_id` is that of the header `X-Request-Id`, which every answer has. Somebody else's object is 404.

**Limits.** 300 calls a minute for each user, 30 for each address without a credential (unless set otherwise). Every answer has
`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (UNIX seconds); 429 has `Retry-After` (seconds).

**Lists** are paged: `limit` (1 to 100, 50 unless given) and `cursor`, which is `next_cursor` of the page before; null means the end.

**Repeating.** A POST with an `Idempotency-Key` is carried out once: for 24 hours the same request with the same key gets the same answer,
with `Idempotency-Replayed: true`; another request with that key is 409. Operations that stream, or that anybody may call, take no key.
"""

TAGS = {
    "Projects": "What is deployed: create, list, configure, scale, stop, start, delete.",
    "Deployments": "Attempts to bring a version live: trigger, follow, cancel, retry, roll back; logs and metrics of what runs.",
    "Domains": "Hostnames of your own: attach, verify by DNS, choose the primary one, remove.",
    "Environment variables": "Settings and secrets of a project, for each environment; a sensitive value is never shown again.",
    "Billing": "Plan, card and subscription. Nothing of it is available in this version.",
    "Databases": "A PostgreSQL of its own for each project and each preview: make, look, replace the password, delete.",
    "API tokens": "Credentials for programs; the value is shown once.",
    "Uploads": "A .zip or .tar.gz as the source of a deployment.",
    "Volumes": "Folders that an app may write to and that outlive its releases.",
    "Backups": "What was live, its variables and its data: kept, listed, brought back.",
    "Disk": "Who uses how much of the disk, and what is removed to make room.",
    "Git": "Repositories, webhooks and deploy keys.",
    "Pull requests": "Branches of hosted repositories that want to be merged: proposed, reviewed, merged, closed.",
    "Previews": "A deployment of its own for each branch or pull request.",
    "Webhooks": "What Canonry tells your own services.",
    "Account": "Who you are, and how you sign in.",
    "Organizations": "Organizations and the people in them: members, roles, invitations.",
    "Activity": "Who did what, and when.",
    "Authentication": "Signing in, by browser and by device.",
    "Device authorization": "Signing in a program that has no browser: a code is shown, and approved where there is one.",
    "GitHub": "Whose GitHub account is whose.",
    "JSON API": "What pages and programs ask about one organization.",
    "Tickets": "Tasks in a tracker, Canonry's own or another, and keeping sections of specs and them in step.",
    "Editor": "Specifications, edited: load, parse, preview, save, propose.",
    "Admin": "The index of specifications: its state, and reading everything again.",
    "Settings": "Keys of an organization.",
    "Health": "Whether Canonry answers.",
}

SECURITY_SCHEMES = {
    "bearerToken": {"type": "http", "scheme": "bearer", "bearerFormat": "cnr_token",
                    "description": "a token of scope read, deploy or admin"},
    "sessionCookie": {"type": "apiKey", "in": "cookie", "name": "canonry_session",
                      "description": "of a browser; over https `__Host-canonry_session`. What changes something also needs `X-CSRF-Token`"},
    "signature": {"type": "apiKey", "in": "header", "name": "X-Hub-Signature-256", "description": "HMAC-SHA256 of the raw body"},
}  # fmt: skip

_HEADERS = {
    "X-Request-Id": ("the id of this request", {"type": "string", "pattern": "^req_[0-9a-f]{12}$"}),
    "X-RateLimit-Limit": ("calls allowed in one period", {"type": "integer"}),
    "X-RateLimit-Remaining": ("calls left in this one", {"type": "integer"}),
    "X-RateLimit-Reset": ("when the next one begins, UNIX seconds", {"type": "integer"}),
}
_KEY_PARAMETER = {
    "name": "Idempotency-Key", "in": "header", "required": False, "description": "carry this request out once, however often it comes",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}  # fmt: skip
_CODES = {
    "400": "validation_failed", "401": "unauthenticated", "402": "project_limit_reached", "403": "insufficient_scope",
    "404": "project_not_found", "409": "conflict", "413": "body_too_large", "422": "validation_failed", "429": "rate_limited",
    "500": "internal_error", "502": "bad_gateway", "503": "database_unavailable",
}  # fmt: skip
_METHODS = ("get", "post", "put", "patch", "delete")


def completed(document: Document, *, server: str) -> Document:
    """Return the description of the API from what FastAPI made of the routes. server: where it is served."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if "contentMediaType" in field:  # of 3.1; generators of clients look for the older word
                field["format"] = "binary"
    for path, operation in operations(document):
        _complete(path, operation, schemas)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    document["components"]["headers"] = {name: {"description": words, "schema": kind} for name, (words, kind) in _HEADERS.items()}
    document["components"]["parameters"] = {"IdempotencyKey": _KEY_PARAMETER}
    document["servers"] = [{"url": server}]
    document["info"]["description"] = ABOUT.strip()
    document["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    return document


def operations(document: Document) -> Iterator[tuple[str, Operation]]:
    """Give each operation with its address, `GET /v1/me`."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


def _complete(address: str, operation: Operation, schemas: Mapping[str, Any]) -> None:
    method, _, path = address.partition(" ")
    words = inspect.cleandoc(operation.get("description", ""))
    operation["summary"] = words.split("\n")[0].partition(". ")[0].rstrip(".") or operation.get("summary", "")
    permission = operation["x-canonry-permission"]
    if permission == "public":
        operation["security"] = [{"signature": []}] if "webhook" in path else []
    else:
        operation["security"] = [{"bearerToken": []}, {"sessionCookie": []}]
        operation["description"] = f"{words}\n\nNeeds {_needs(permission)}."
    _complete_responses(method, path, operation, schemas)
    if method == "POST" and permission != "public" and "text/event-stream" not in str(operation["responses"]):
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})
    for content in operation.get("requestBody", {}).get("content", {}).values():
        several = [one for one in content["schema"].get("anyOf", []) if one.get("type") != "null"]
        if len(several) == 1:  # one that may be absent; generated clients can send nothing, and no null
            content["schema"] = several[0]
        if "example" not in content and "examples" not in content:
            content["example"] = example_of(content["schema"], schemas)


def _needs(permission: str) -> str:
    return "a credential" if permission == "signed-in" else f"the permission `{permission}`"


def _complete_responses(method: str, path: str, operation: Operation, schemas: Mapping[str, Any]) -> None:
    responses = operation["responses"]
    if path.startswith("/v1/") and "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]  # what is not valid is 400 there
    also = {"500": "Something in Canonry failed; it is in its log.", "503": "The database, or a service outside, does not answer."}
    if "requestBody" in operation:
        also["413"] = "The body is too large."
    if method == "POST" and operation["x-canonry-permission"] != "public":
        also["409"] = "The state of things does not allow it, or the Idempotency-Key came with another request."
    for status, words in also.items():
        responses.setdefault(status, {"description": words, "content": {"application/json": {"schema": {"$ref": ENVELOPE}}}})
    page = "text/html" in responses.get("200", {}).get("content", {})
    for status, response in responses.items():
        if page and status >= "400":  # a person sees a page, a program the envelope
            response["content"] = {"text/html": {"schema": {"type": "string"}}, "application/json": {"schema": {"$ref": ENVELOPE}}}
        elif "HTTPValidationError" in str(response):
            response.update(description="The request is not valid.", content={"application/json": {"schema": {"$ref": ENVELOPE}}})
        response["headers"] = {**{name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}, **response.get("headers", {})}
        if status == "429":
            response["headers"]["Retry-After"] = {"description": "seconds to wait", "schema": {"type": "integer"}}
        for content in response.get("content", {}).values():
            if "schema" in content and "example" not in content:
                content["example"] = _error(status) if content["schema"].get("$ref") == ENVELOPE else example_of(content["schema"], schemas)
    operation["responses"] = dict(sorted(responses.items()))


def _error(status: str) -> Document:
    code = _CODES.get(status, "error")
    example: Document = {"error": code, "message": "What happened, and where.", "request_id": "req_a1b2c3d4e5f6"}
    if code == "validation_failed":
        example["issues"] = [{"path": "body.name", "message": "Field required", "code": "missing"}]
    return example
