"""Routes that say who may call them. A route without a declared permission does not start."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import StreamingResponse

from canonry.core.access import Permission
from canonry.http.bodies import Bodies
from canonry.http.conduct import Endpoint, admits_itself, conducted
from canonry.http.errors import ENVELOPE
from canonry.http.gate import Gate, Handle, OpenGate
from canonry.http.stream import EVENTS

PUBLIC = "public"
SIGNED_IN = "signed-in"
"""Whoever is known, whatever they may do: for what concerns only themselves."""
_KEY = "x-canonry-permission"
_ANY_ORGANIZATION = "x-canonry-any-organization"
_BODY = "x-canonry-body-mib"
_REPEATABLE = "x-canonry-repeatable"

type Access = Permission | str

_MEANING = {
    400: "The request is not valid; `issues` names each fault.", 401: "There is no credential, or it is not valid.",
    402: "The plan allows no more.", 403: "The credential may not do that.", 404: "There is no such object for this caller.",
    409: "The state of things does not allow it.", 413: "The body is too large.", 415: "The body is of a kind that is not understood.",
    422: "The body is well-formed and means nothing here.", 429: "Too many requests; `Retry-After` says when to come again.",
    501: "This version cannot do that yet.", 502: "A service outside answered wrongly.", 503: "A service outside does not answer.",
}  # fmt: skip


_STREAM = {
    "description": "Server-sent events.",
    "content": {EVENTS: {"schema": {}, "example": "event: line\ndata: {}\n\n"}},
}


class Routes(APIRouter):
    """A router whose every route names a permission, or `PUBLIC` when anybody may call it.

    bodies: how large a request's body may be.
    """

    def __init__(self, *, bodies: Bodies = Bodies.SMALL, **options: Any) -> None:  # noqa: ANN401 -- FastAPI's own options
        super().__init__(route_class=_CLASSES[bodies], **options)

    def operation(
        self,
        method: str,
        path: str,
        access: Access,
        *,
        errors: Sequence[int] = (),
        any_organization: bool = False,
        body_limit: int | None = None,
        repeatable: bool = False,
        only_reads: bool = False,
        **options: Any,  # noqa: ANN401 -- FastAPI's own options
    ) -> Callable[[Endpoint], Endpoint]:
        """Return the decorator that adds a route; the gate runs before everything else of it.

        errors: the statuses, besides those that every route has (400, 401, 403, 404 with an object in the path, 429), it may answer with.
        any_organization: below `/app/{org}`, let in who acts in another organization as well; elsewhere it means nothing.
        body_limit: MiB its body may have, where that differs from the router's `bodies`.
        repeatable: carrying the same request out again leads to the same state, also when the first was cut off in the middle.
        only_reads: a POST that changes nothing, as every GET does; its transaction cannot write.
        """
        declared = access if access in {PUBLIC, SIGNED_IN} else str(Permission(access))
        extra = {**options.pop("openapi_extra", {}), _KEY: declared} | ({_ANY_ORGANIZATION: True} if any_organization else {})
        extra |= {} if body_limit is None else {_BODY: body_limit}
        extra |= {_REPEATABLE: True} if repeatable else {}
        kind = getattr(options.get("response_class"), "media_type", None) or "application/json"
        responses = {**_described(path, declared, errors, kind), **options.pop("responses", {})}
        if options.get("response_class") is StreamingResponse:
            responses.setdefault(200, _STREAM)
        as_usual = any(name.startswith("response_model_") for name in options)  # then the framework writes the model

        def declare(endpoint: Endpoint) -> Endpoint:
            options.setdefault("operation_id", endpoint.__name__)
            add = self.api_route(path, methods=[method], openapi_extra=extra, responses=responses, **options)
            reads = (method == "GET" or only_reads) and access != PUBLIC
            add(endpoint if as_usual else conducted(endpoint, options.get("status_code") or 200, reads=reads))
            return endpoint

        return declare


def require_declared_permissions(app: FastAPI) -> None:
    """Refuse to start with a route that declares no permission. Raises: RuntimeError naming it.

    Only the description of the API is let through; whatever else is no operation (a mount, a WebSocket) is refused as well.
    """
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        declared = isinstance(route, APIRoute) and _KEY in (route.openapi_extra or {})
        if not declared and found.path != app.openapi_url:
            message = f"{found.methods or type(route).__name__} {found.path} declares no permission: add it with Routes.operation()"
            raise RuntimeError(message)


class _Guarded(APIRoute):
    """A route with a gate before it (http/gate.py): a dependency would come after the body, and let anybody fill memory and disk."""

    bodies = Bodies.SMALL

    def get_route_handler(self) -> Handle:
        handle, extra = super().get_route_handler(), self.openapi_extra or {}
        declared, most = extra.get(_KEY), extra.get(_BODY)
        if declared in {None, PUBLIC}:  # what declares nothing is refused at the start
            return OpenGate(handle, self.bodies, most).let_in
        gate = Gate(
            handle, self.bodies, most, None if declared == SIGNED_IN else Permission(declared),
            in_organization=self.path.startswith("/app/{org}") and not extra.get(_ANY_ORGANIZATION),
            streams=self.response_class is StreamingResponse, repeatable=bool(extra.get(_REPEATABLE)),
        )  # fmt: skip
        if not admits_itself(self.endpoint):
            return gate.let_in
        return gate.let_in_a_question if self.methods == {"GET"} else gate.let_in_a_sent_question


class _GuardedArchive(_Guarded):
    bodies = Bodies.ARCHIVE


class _GuardedRaw(_Guarded):
    bodies = Bodies.RAW


_CLASSES = {Bodies.SMALL: _Guarded, Bodies.ARCHIVE: _GuardedArchive, Bodies.RAW: _GuardedRaw}


def _described(path: str, declared: str, errors: Sequence[int], kind: str) -> Mapping[int | str, dict[str, Any]]:
    """Describe the errors of a route. By the envelope's name (`ENVELOPE`): with the model itself the framework would prepare it for each.

    kind: the media type of what the route answers.
    """
    every = {400, 429} | (set() if declared == PUBLIC else {401, 403}) | ({404} if "{" in path else set())
    content = {kind: {"schema": {"$ref": ENVELOPE}}}
    return {status: {"description": _MEANING[status], "content": content} for status in sorted(every | set(errors))}
