"""What is looked at once a second, in one process of a Canonry at a time: find everything here that happens by the clock."""

from canonry.features.audit import AnchorWriter
from canonry.features.backups import ArchiveRounds, InstanceRounds, PointRounds, ProofRounds, RestoreRounds
from canonry.features.coverage import Snapshots
from canonry.features.databases import DatabaseRounds
from canonry.features.deployments import Watch
from canonry.features.disk import DiskRounds
from canonry.features.domains import DomainRounds
from canonry.features.git import ElsewhereRounds, RepositoryRounds
from canonry.features.notifications import Digest
from canonry.features.observe import Sampler, Shipper
from canonry.features.previews import Sweep
from canonry.features.specs import IndexSweep
from canonry.features.tickets import TicketRounds
from canonry.features.volumes import VolumeRounds
from canonry.features.webhooks import Sender
from canonry.infra.rounds import Rounds
from canonry.wiring.container import Container


def rounds(container: Container) -> list[Rounds]:
    """Return everything that has its turn again and again; a part that seldom has something to do looks at the time itself."""
    return [
        container.ports.clusters,
        DatabaseRounds(container),
        ArchiveRounds(container),
        Watch(container),
        PointRounds(container),
        InstanceRounds(container),
        RestoreRounds(container),
        ProofRounds(container),
        Sweep(container),
        IndexSweep(container),
        TicketRounds(container),
        Snapshots(container.transactions),
        RepositoryRounds(container.transactions, container.home),
        ElsewhereRounds(container.transactions),
        Sampler(container),
        Shipper(container),
        DomainRounds(container),
        DiskRounds(container),
        VolumeRounds(container),
        Sender(container),
        Digest(container),
        AnchorWriter(container.home.audit_anchors, container.transactions),
    ]
