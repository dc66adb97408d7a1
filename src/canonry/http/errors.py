"""From the error tree to HTTP: one table of statuses, one envelope for every error."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from canonry.core.errors import (
    CanonryError,
    Conflict,
    Denied,
    Invalid,
    Issue,
    Limited,
    NeedsAction,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unbuilt,
)
from canonry.http.organizations import is_page
from canonry.http.pages import error_page

_log = logging.getLogger(__name__)


class ErrorIssue(BaseModel):
    """One wrong place in a request."""

    path: str = Field(examples=["body.slug"])
    message: str
    code: str


class ErrorEnvelope(BaseModel):
    """What every error answers."""

    error: str = Field(description="a stable code", examples=["project_not_found"])
    message: str
    request_id: str = Field(description="the same as X-Request-Id", examples=["req_a1b2c3d4e5f6"])
    hint: str | None = Field(None, description="what to do next")
    issues: list[ErrorIssue] | None = Field(None, description="with 400: each wrong field")


ENVELOPE = "#/components/schemas/ErrorEnvelope"
"""What the description of the API calls it."""

STATUS: Mapping[type[CanonryError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    NeedsAction: 409,
    TooLarge: 413,
    Limited: 429,
    Unavailable: 503,
    Unbuilt: 501,
}
# A quota of the plan is not a rate: waiting does not help, paying does.
_PAYMENT = frozenset({"project_limit_reached"})
# The request says nothing wrong; what is set up has no place for it.
_MEANINGLESS = frozenset({"tracker_not_connected"})
# A service that this Canonry is configured for, and not Canonry itself, is what does not work.
_BEHIND_US = frozenset({"provider_unavailable"})
_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
}


def status_of(error: CanonryError) -> int:
    """Return the HTTP status of an error of the tree; 500 for a kind that is not in the table."""
    if error.code in _PAYMENT:
        return 402
    if error.code in _MEANINGLESS:
        return 422
    if error.code in _BEHIND_US:
        return 502
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def envelope(request: Request, code: str, message: str, *, hint: str = "", issues: tuple[Issue, ...] = ()) -> dict[str, object]:
    """Return the one body every error has."""
    body: dict[str, object] = {"error": code, "message": message, "request_id": request.scope.get("request_id", "")}
    if hint:
        body["hint"] = hint
    if issues:
        body["issues"] = [{"path": issue.path, "message": issue.message, "code": issue.code} for issue in issues]
    return {name: _shown(value) for name, value in body.items()}


def answer_to(request: Request, error: CanonryError) -> Response:
    """Return the answer to a request that failed: the envelope, or a page where a person waits for it."""
    status = status_of(error)
    if status >= 500:
        _log.warning("%s %s: %s", request.method, request.url.path, error)
    issues = error.issues if isinstance(error, Invalid) else ()
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, Limited) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if is_page(request):
        answer = error_page(status, error.message, error.hint, str(request.scope.get("request_id", "")))
        answer.headers.update(headers)
        return answer
    body = envelope(request, error.code, error.message, hint=error.hint, issues=issues)
    return JSONResponse({**error.details, **body}, status, headers)


def install(app: FastAPI) -> None:
    """Make `app` answer every error in the envelope."""

    @app.exception_handler(CanonryError)
    def of_the_tree(request: Request, error: CanonryError) -> Response:
        return answer_to(request, error)

    @app.exception_handler(RequestValidationError)
    def of_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        issues = tuple(
            Issue(".".join(str(part) for part in problem["loc"]), str(problem["msg"]).removeprefix("Value error, "), str(problem["type"]))
            for problem in error.errors()
        )
        status = 422 if request.url.path.startswith(("/app", "/auth", "/api", "/webhook")) else 400
        places = ", ".join(issue.path for issue in issues)
        hint = "Correct what is named and send it again; /reference shows every field."
        return JSONResponse(
            envelope(request, "validation_failed", f"The request is not valid: {places}.", hint=hint, issues=issues), status
        )

    @app.exception_handler(HTTPException)
    def of_the_framework(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_allowed(app, request.scope["path"]))
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=headers)
        code = _CODES.get(error.status_code, "http_error")
        message, hint = str(error.detail), ""
        if error.status_code == 405:
            message = f"{request.method} is nothing that can be asked of {request.url.path}."
            hint = f"It knows {headers['Allow']}."
        if error.status_code == 404:
            message, hint = f"There is nothing at {request.url.path}.", "/openapi.json lists every address of the API."
        return JSONResponse(envelope(request, code, message, hint=hint), error.status_code, headers)

    @app.exception_handler(Exception)
    def of_a_bug(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        message = "Something in Canonry failed; it is in the log under this request id."
        return JSONResponse(envelope(request, "internal_error", message), 500)


def _allowed(app: FastAPI, path: str) -> list[str]:
    """Return the methods that some route has at this path."""
    fitting = (route for route in iter_route_contexts(app.routes) if (form := getattr(route, "path_regex", None)) and form.match(path))
    methods = {method for route in fitting for method in route.methods or ()}
    return sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()))


def _shown(value: object) -> object:
    """Return the value so that it can be sent: JSON lets half characters (lone surrogates) in, UTF-8 does not let them out."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [{name: _shown(text) for name, text in item.items()} for item in value]
    return value
