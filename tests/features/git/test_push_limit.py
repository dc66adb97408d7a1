"""How much a push may bring."""

import pytest

from canonry.adapters.disk.memory import MemoryDisk
from canonry.core.clock import now
from canonry.core.errors import TooLarge, Unavailable
from canonry.core.settings import Settings
from canonry.features.git import service
from canonry.features.git.repositories.models import Repository
from canonry.wiring.container import Container


def test_a_push_is_refused_when_the_repository_is_beyond_its_budget_or_the_disk_full(container: Container) -> None:
    served = Repository("rep_1", "org_1", "ada", "shop", "prj_1", "main", "", None, now())
    small = Settings(home=container.home.root, disk_repository=1, upload_limit=2)
    room = container.ports.build_room
    assert service.push_limit(container.home, served, small, room) == 1 << 20
    large = container.home.repositories / "prj_1.git" / "objects" / "large"
    large.parent.mkdir(parents=True)
    large.write_bytes(b"x" * (700 << 10))
    assert 0 < service.push_limit(container.home, served, small, room) < 400 << 10
    large.write_bytes(b"x" * (2 << 20))
    with pytest.raises(TooLarge, match="may take 1"):
        service.push_limit(container.home, served, small, room)
    disk = container.ports.disk
    assert isinstance(disk, MemoryDisk)
    disk.free = 0
    with pytest.raises(Unavailable, match="builds stop"):
        service.push_limit(container.home, served, container.settings, room)
