"""Clusters as processes of this machine, each in a sandbox and a control group of its own.

clusters.py   what the port promises           template.py      a data folder that is ready to be copied
folders.py    what lies where, and locks       configuration.py settings of the server, who may connect, how segments are kept
server.py     one PostgreSQL: start, wait, stop superuser.py    the superuser's password, and recovery
copying.py    copies of clusters                gateway.py       the proxy: what is behind each port
upgrading.py  another major version
waking.py     hears which database is waited for certificate.py  for those that are reachable from outside
"""

from canonry.adapters.clusters.process.clusters import ProcessClusters

__all__ = ["ProcessClusters"]
