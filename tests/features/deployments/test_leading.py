"""A deployment and the watch lead requests at the same time: what is live in the end is what the edge serves."""

import threading
import time
from collections.abc import Sequence

from canonry.adapters.edge.memory import MemoryEdge
from canonry.features.deployments import Watch
from canonry.wiring.container import Container
from tests.support.api import APP, serving

_OTHER = {**APP, "other.txt": "changed"}


def test_a_watch_that_is_slow_to_tell_the_edge_does_not_lead_back_to_the_former_release(container: Container) -> None:
    edge = _SlowEdge()
    with serving(container, edge=edge) as api:
        slug = api.app()
        old = edge.addresses(f"{slug}.localhost")
        edge.slow = threading.current_thread()
        deploying = threading.Thread(target=api.deploy, args=(slug, _OTHER))
        edge.meanwhile = deploying
        watch = Watch(api.container)
        watch.round()  # the first one tells the edge everything
        watch.close()
        deploying.join()
        assert len(edge.addresses(f"{slug}.localhost")) == 1
        assert edge.addresses(f"{slug}.localhost") != old


class _SlowEdge(MemoryEdge):
    """An edge that is slow for one thread: before it follows, others have a second to tell it something else."""

    def __init__(self) -> None:
        super().__init__()
        self.slow: threading.Thread | None = None
        self.meanwhile: threading.Thread | None = None

    def point(self, host: str, addresses: Sequence[str]) -> None:
        if threading.current_thread() is self.slow:
            self.slow = None
            if self.meanwhile is not None:
                self.meanwhile.start()
            time.sleep(1)
        super().point(host, addresses)
