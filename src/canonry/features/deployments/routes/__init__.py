"""HTTP for deployments, what runs, plans and uploads."""

from canonry.features.deployments.routes.assets import router as assets
from canonry.features.deployments.routes.deployments import router as deployments
from canonry.features.deployments.routes.later import router as later
from canonry.features.deployments.routes.operate import router as operate
from canonry.features.deployments.routes.plans import router as plans
from canonry.features.deployments.routes.shared import router as shared
from canonry.features.deployments.routes.sources import router as sources
from canonry.features.deployments.routes.streams import router as streams

routers = (sources, shared, deployments, streams, operate, plans, assets, later)

__all__ = ["routers"]
