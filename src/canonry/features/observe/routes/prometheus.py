"""`GET /metrics`, for Prometheus: at the root, where such programs look."""

import hmac

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response

from canonry.core.access import Permission, require
from canonry.features.observe.prometheus.figures import figures
from canonry.features.observe.prometheus.text import CONTENT_TYPE, written
from canonry.http.deps import Services, ServicesDep, actor_of
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Health"])


@router.operation(
    "GET", "/metrics", PUBLIC, errors=(401, 403), response_class=PlainTextResponse, openapi_extra={"security": [{"bearer": []}]}
)
def read_figures(request: Request, services: ServicesDep) -> Response:
    """Tell the figures of this installation in the text form of Prometheus, to who may run the platform or has CANONRY_METRICS_TOKEN."""
    if not _has_token(request, services):
        require(actor_of(request), Permission.PLATFORM_MANAGE)
    return Response(written(figures(services)), media_type=CONTENT_TYPE)


def _has_token(request: Request, services: Services) -> bool:
    wanted = services.settings.metrics_token
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return wanted is not None and scheme.lower() == "bearer" and hmac.compare_digest(value.strip().encode(), wanted.reveal().encode())
