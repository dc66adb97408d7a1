"""The FastAPI application with the conventions around everything, also around what answers when something failed."""

from collections.abc import Set as AbstractSet
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.telemetry import TelemetryConfig
from pydantic.json_schema import models_json_schema
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from canonry.http import errors
from canonry.http.askers import Askers
from canonry.http.deps import Services
from canonry.http.dispatch import Dispatch
from canonry.http.headers import ASKED, EXPOSED
from canonry.http.middleware import Conventions
from canonry.http.openapi import completed
from canonry.http.ratelimit import RateLimiter

_ASKERS = 4  # threads; more than the cores can feed only take the interpreter from each other: six cost a tenth of all answers
# It would look at each request whether somebody listens.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


class Application(FastAPI):
    """An application over a container. aliases: how paths begin (one or two parts) that are served under /v1 and without it."""

    def __init__(self, container: Services, aliases: AbstractSet[str], **options: Any) -> None:  # noqa: ANN401 -- FastAPI's own options
        super().__init__(telemetry=_NO_TELEMETRY, **options)
        self.state.container = container
        self.state.askers = Askers(_ASKERS)
        self.state.limiter = RateLimiter(container.ports.rates, container.settings)
        self._aliases = aliases
        self._server = container.settings.own_url
        self._origins = container.settings.origins
        errors.install(self)

    def openapi(self) -> dict[str, Any]:
        """Return the description of the API, made at the first call."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(_with_errors(super().openapi()), server=self._server)
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap what FastAPI builds. It is built when every route is there."""
        app = super().build_middleware_stack()
        self.router.middleware_stack = Dispatch(iter_route_contexts(self.routes), self.router.app)
        if self._origins:
            app = CORSMiddleware(
                app, allow_origins=self._origins, allow_credentials="*" not in self._origins,
                allow_methods=("GET", "POST", "PATCH", "PUT", "DELETE"), allow_headers=ASKED, expose_headers=EXPOSED,
            )  # fmt: skip
        return Conventions(app, self._aliases)


def _with_errors(document: dict[str, Any]) -> dict[str, Any]:
    """Add what every error answers, which the routes only name."""
    _, described = models_json_schema([(errors.ErrorEnvelope, "serialization")], ref_template="#/components/schemas/{model}")
    for field in (field for schema in described["$defs"].values() for field in schema["properties"].values()):
        field.pop("default", None)  # as in every other answer: what is not there is left out
    components = document.setdefault("components", {})
    components["schemas"] = dict(sorted((components.get("schemas", {}) | described["$defs"]).items()))
    return document
