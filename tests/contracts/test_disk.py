"""The contract of the disk (`ports/disk.py`), over every adapter."""

from pathlib import Path

import pytest

from canonry.adapters.disk.memory import MemoryDisk
from canonry.adapters.disk.volume import VolumeDisk
from canonry.ports.disk import Disk


@pytest.fixture(params=["volume", "volume of a folder that is not there yet", "memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    if request.param == "memory":
        return MemoryDisk()
    return VolumeDisk(tmp_path if request.param == "volume" else tmp_path / "not" / "there")


def test_it_has_a_size_and_something_free(disk: Disk) -> None:
    space = disk.space()
    assert 0 < space.free <= space.total
