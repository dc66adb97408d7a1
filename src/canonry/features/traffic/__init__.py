"""Which host goes where: the table of hosts, handed to the edge.

Deployments decide what is served; this feature knows under which names, and is the only one that speaks to the edge.
"""

from canonry.features.traffic.models import Host
from canonry.features.traffic.service import (
    all_hosts,
    claim,
    everything_of,
    give_up,
    hosts_of,
    owners,
    point,
    redirect,
    redirecting,
    release,
    remove,
    serve_site,
    set_redirect,
    show_stopped,
    take_over,
    unknown,
)

__all__ = [
    "Host",
    "all_hosts",
    "claim",
    "everything_of",
    "give_up",
    "hosts_of",
    "owners",
    "point",
    "redirect",
    "redirecting",
    "release",
    "remove",
    "serve_site",
    "set_redirect",
    "show_stopped",
    "take_over",
    "unknown",
]
