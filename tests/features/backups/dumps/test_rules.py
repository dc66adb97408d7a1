"""Which server can load a dump, and whether there is room for it."""

import pytest

from canonry.core.errors import Conflict, Unavailable
from canonry.features.backups.dumps.rules import because_of_disk, require_loadable, require_room
from canonry.ports.disk import Space

_MEBI = 1 << 20


@pytest.mark.parametrize(("made_by", "server", "code"), [
    (18, 18, None), (15, 18, None), (17, 17, None), (18, 17, "dump_version"), (19, 18, "dump_version"), (15, 15, "server_too_old"),
    (16, 15, "dump_version"),
])  # fmt: skip
def test_a_dump_goes_into_its_own_version_and_newer_ones(made_by: int, server: int, code: str | None) -> None:
    if code is None:
        require_loadable("dbk_1", made_by=made_by, server=server)
        return
    with pytest.raises(Conflict) as caught:
        require_loadable("dbk_1", made_by=made_by, server=server)
    assert caught.value.code == code
    assert "canonry db dump dbk_1" in caught.value.hint


def test_what_is_kept_free_for_all_others_is_not_used() -> None:
    require_room(100 * _MEBI, Space(1000 * _MEBI, 700 * _MEBI), 500)
    with pytest.raises(Unavailable) as caught:
        require_room(100 * _MEBI, Space(1000 * _MEBI, 699 * _MEBI), 500)
    assert (caught.value.code, "about 200 MiB, and 199 may be used" in caught.value.message) == ("disk_full", True)
    require_room(10_000 * _MEBI, Space(99_000 * _MEBI, 11_024 * _MEBI), 0)  # not all of its WAL is kept


def test_only_what_a_full_disk_can_explain_is_put_down_to_it() -> None:
    full, free = Space(1000 * _MEBI, _MEBI), Space(1000 * _MEBI, 500 * _MEBI)
    error, other = Unavailable("backup_failed", "The server is gone."), Conflict("backup_damaged", "A piece was changed.")
    assert because_of_disk(error, full).code == "disk_full"
    assert because_of_disk(error, free) is error
    assert because_of_disk(other, full) is other
