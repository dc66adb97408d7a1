"""Which host goes where: the table of hosts, handed to the edge.

Deployments decide what is served; this feature knows under which names, and is the only one that speaks to the edge.
"""

from canonry.features.traffic.service import all_hosts, claim, hosts_of, point, release, remove, serve_site, show_stopped

__all__ = ["all_hosts", "claim", "hosts_of", "point", "release", "remove", "serve_site", "show_stopped"]
