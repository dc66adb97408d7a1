"""HTTP for runtime logs, log drains and metrics."""

from canonry.features.observe.routes.drains import router as drains
from canonry.features.observe.routes.logs import router as logs
from canonry.features.observe.routes.metrics import router as metrics
from canonry.features.observe.routes.prometheus import router as prometheus

routers = (logs, metrics, drains)
root_router = prometheus

__all__ = ["root_router", "routers"]
