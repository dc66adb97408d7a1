"""What runs, observed: runtime logs and their drains, metrics, and the figures for Prometheus."""

from canonry.features.observe.drains.shipper import Shipper
from canonry.features.observe.metrics.sampler import Sampler

__all__ = ["Sampler", "Shipper"]
