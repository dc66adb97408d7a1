"""What is looked at once a second, in one process of a Canonry at a time: find everything here that happens by the clock."""

from functools import partial

from canonry.features.audit import AnchorWriter
from canonry.features.backups import ArchiveRounds, InstanceRounds, PointRounds, ProofRounds, RestoreRounds
from canonry.features.coverage import take_snapshots
from canonry.features.databases import DatabaseRounds
from canonry.features.deployments import Watch
from canonry.features.disk import DiskRounds
from canonry.features.domains import DomainRounds
from canonry.features.git import fetch_stale, look_at_repositories
from canonry.features.notifications import Digest
from canonry.features.observe import Sampler, Shipper
from canonry.features.previews import close_expired
from canonry.features.specs import check_words, mend_indexes
from canonry.features.tickets import follow_broken_links
from canonry.features.volumes import VolumeRounds
from canonry.features.webhooks import Sender
from canonry.infra.rounds import Every, Rounds
from canonry.wiring.container import Container


def rounds(container: Container) -> list[Rounds]:
    """Return everything that has its turn again and again; a part that seldom has something to do looks at the time itself."""
    transactions = container.transactions
    return [
        container.ports.clusters,
        DatabaseRounds(container),
        ArchiveRounds(container),
        Watch(container),
        PointRounds(container),
        InstanceRounds(container),
        RestoreRounds(container),
        ProofRounds(container),
        Every(20, "previews", partial(close_expired, transactions)),
        Every(30, "specs", partial(mend_indexes, transactions)),
        Every(3600, "words of specs", partial(check_words, transactions)),
        Every(600, "tickets", partial(follow_broken_links, transactions)),
        Every(900, "coverage", partial(take_snapshots, transactions)),
        Every(30, "repositories", partial(look_at_repositories, transactions, container.home)),
        Every(30, "repositories elsewhere", partial(fetch_stale, transactions)),
        Sampler(container),
        Shipper(container),
        DomainRounds(container),
        DiskRounds(container),
        VolumeRounds(container),
        Sender(container),
        Digest(container),
        AnchorWriter(container.home.audit_anchors, transactions),
    ]
