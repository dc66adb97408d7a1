"""HTTP for runtime logs, log drains and metrics."""

from canonry.features.observe.routes.drains import router as drains
from canonry.features.observe.routes.logs import router as logs
from canonry.features.observe.routes.metrics import router as metrics

routers = (logs, metrics, drains)

__all__ = ["routers"]
