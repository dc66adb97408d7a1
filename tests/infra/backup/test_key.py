"""The key of the archive."""

from pathlib import Path

import pytest

from canonry.core.errors import Conflict, Invalid, NotFound
from canonry.infra.backup.key import load_key, new_key, parse_key


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "backups.key"
    key = load_key(path)
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["backups.key"]


def test_the_key_as_people_keep_it_can_be_read_again() -> None:
    key = new_key()
    assert parse_key(f"  {key.text.reveal()}\n") == key


def test_a_key_does_not_print_itself() -> None:
    key = new_key()
    assert key.text.reveal() not in f"{key!r} {key} {key.text}"
    assert repr(key.raw) not in repr(key)


@pytest.mark.parametrize("text", ["", "x", "canonry-backup-key-", "canonry-backup-key-abc", "a" * 62, "canonry-backup-key-" + "a" * 50])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_key(text)


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Conflict) as caught:
        load_key(path)
    assert caught.value.code == "backup_key_damaged"
    assert path.read_bytes() == b"\xff\xfe"


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_key(tmp_path / "stick" / "key")
