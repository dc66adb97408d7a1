"""Caddy as the edge. The folder `edge/routes` is the routing table: Caddy reads a host's file at each request and is never reloaded."""

from canonry.adapters.edge.caddy.certificates import CaddyCertificates
from canonry.adapters.edge.caddy.config import caddy_config
from canonry.adapters.edge.caddy.edge import CaddyEdge
from canonry.adapters.edge.caddy.process import CaddyProcess

__all__ = ["CaddyCertificates", "CaddyEdge", "CaddyProcess", "caddy_config"]
