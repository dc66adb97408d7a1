"""Where databases are: clusters on this machine."""

from canonry.adapters.clusters.process import ProcessClusters
from canonry.adapters.runtime.process.runtime import ProcessRuntime
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.ports.clusters import Clusters


def make_clusters(settings: Settings, home: Home) -> Clusters:
    """Return the clusters of a home; starts nothing. Their processes are recorded apart from the instances of apps."""
    return ProcessClusters(home, ProcessRuntime(home, settings, folder=home.databases / ".instances"))
