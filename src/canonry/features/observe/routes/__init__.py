"""HTTP for runtime logs, log drains and metrics."""

from canonry.features.observe.routes.logs import router as logs
from canonry.features.observe.routes.metrics import router as metrics

routers = (logs, metrics)

__all__ = ["routers"]
