"""Where databases are: clusters on this machine, or a server outside."""

import sys
from pathlib import Path

import canonry
from canonry.adapters.clusters.process import ProcessClusters
from canonry.adapters.runtime.process.runtime import ProcessRuntime
from canonry.core.paths import Home
from canonry.core.settings import Settings, read_settings
from canonry.ports.clusters import Clusters

_WAKE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from canonry.wiring.clusters import wake; wake(*sys.argv[1:])"


def make_clusters(settings: Settings, home: Home) -> Clusters:
    """Return where databases are: an outside server when CANONRY_DATABASES_URL names one, else this machine. Starts nothing."""
    if settings.databases_url is not None:
        from canonry.adapters.clusters.server import OutsideClusters  # noqa: PLC0415 -- not needed otherwise

        return OutsideClusters(settings.databases_url)
    return clusters_of_this_machine(settings, home)


def clusters_of_this_machine(settings: Settings, home: Home) -> ProcessClusters:
    """Return the clusters of a home. Their processes are recorded apart from the instances of apps."""
    runtime = ProcessRuntime(home, settings, folder=home.databases / ".instances")
    command = [sys.executable, "-P", "-c", _WAKE, str(Path(canonry.__file__).parents[1]), str(home.root)]
    return ProcessClusters(home, settings, runtime, wake_command=command)


def wake(home: str, cluster_id: str) -> None:
    """Start a database that a client waits for: what the proxy runs while Canonry itself does not."""
    settings = read_settings(home=Path(home))
    clusters_of_this_machine(settings, Home(settings.home_path)).wake(cluster_id)
