"""Everything is lost but the archive and its key: an empty home becomes the same Canonry again, or says by name why not."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, eventually, free_port
from tests.support.lost import Lost, kill_in_the_middle, shows_everything


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    folder = tmp_path_factory.mktemp("lost")
    made = Lost(folder, str(folder / "the archive"))
    try:
        made.fill()
        made.lose()
        yield made
    finally:
        made.canonry.down()


@pytest.fixture
def target(tmp_path: Path) -> Canonry:
    return Canonry(tmp_path / "new", free_port())


def copied(lost: Lost, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lost.folder_of_archive, tmp_path / "copy"))


def test_a_new_home_is_the_same_canonry_after_a_kill_in_the_middle(lost: Lost, target: Canonry) -> None:
    target.folder.mkdir()
    for written in ("secret.key", "postgres/data"):  # killed while parts are unpacked, and while rows are brought back
        kill_in_the_middle(lost, target, written)
    done = lost.restore(target)
    assert done.returncode == 0, done.stderr
    assert f"Set CANONRY_BACKUPS_URL={lost.place} before" in done.stderr
    assert not (target.home / ".restoring").exists()
    target.up()
    try:
        shows_everything(lost, target)
    finally:
        target.down()


def test_a_home_with_anything_in_it_is_left_as_it_is(lost: Lost, target: Canonry) -> None:
    target.home.mkdir(parents=True)
    (target.home / "thesis").write_text("mine")
    done = lost.restore(target)
    assert (done.returncode != 0, "is not empty" in done.stderr, "thesis" in done.stderr) == (True, True, True)
    assert [path.name for path in target.home.iterdir()] == ["thesis"]


def test_a_wrong_key_is_told_as_that(lost: Lost, target: Canonry, tmp_path: Path) -> None:
    other = tmp_path / "other key"
    other.write_text("canonry-backup-key-" + "A" * 43)
    target.folder.mkdir()
    done = lost.restore(target, key=other)
    assert (done.returncode != 0, "sealed with the key" in done.stderr) == (True, True)
    assert not target.home.exists()
    missing = lost.restore(target, key=tmp_path / "nothing")
    assert "There is no key of backups" in missing.stderr
    assert "no folder" in lost.restore(target, archive=tmp_path / "nothing").stderr


@pytest.mark.parametrize("kind", ["parts/artifact", "parts/state", "repositories", "base/data", "wal"])
def test_one_changed_bit_is_found_and_named(lost: Lost, target: Canonry, tmp_path: Path, kind: str) -> None:
    archive = copied(lost, tmp_path)
    patterns = {"base/data": "base/platform-*/*/data", "wal": "wal/platform-*/*/*", "repositories": "platform/*/repositories/*/*"}
    victim = max(archive.glob(patterns.get(kind, f"platform/*/{kind}/*")))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    target.folder.mkdir()
    done = lost.restore(target, archive=archive)
    assert (done.returncode != 0, "is damaged" in done.stderr, victim.name in done.stderr) == (True, True, True), done.stderr
    assert (target.home / ".restoring").exists()
    assert target.command("up", "--detach").returncode != 0
    verified = target.command("backup", "verify", "--from", str(archive), "--key-file", str(lost.key))
    assert (verified.returncode, victim.name in verified.stdout) == (1, True)


@pytest.mark.parametrize(
    "kind", ["platform/*/parts/artifact/*", "platform/*/repositories/*/*", "base/platform-*/*/info", "base/db_*/*/info"]
)
def test_a_missing_part_is_named(lost: Lost, target: Canonry, tmp_path: Path, kind: str) -> None:
    archive = copied(lost, tmp_path)
    found = sorted(archive.glob(kind))
    # Of several base backups any does, so all are taken away.
    victims = found if kind.endswith("info") else found[:1]
    for victim in victims:
        victim.unlink()
    target.folder.mkdir()
    done = lost.restore(target, archive=archive)
    name = victims[0].parts[-3] if kind.endswith("info") else victims[0].name
    assert (done.returncode != 0, name in done.stderr) == (True, True), done.stderr
    assert target.command("up", "--detach").returncode != 0


def test_the_archive_tells_nothing_without_its_key(lost: Lost) -> None:
    for path in lost.folder_of_archive.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"abracadabra" not in content
            assert b"hello from before" not in content


def test_a_second_loss_is_no_worse_than_the_first(lost: Lost, tmp_path: Path) -> None:
    archive = copied(lost, tmp_path)
    query = ("db", "psql", "--project", "notes", "-c")
    slugs = []
    for number in (1, 2):
        here = Canonry(tmp_path / f"home {number}", free_port(), {"CANONRY_BACKUPS_URL": str(archive)})
        here.folder.mkdir()
        done = lost.restore(here, archive=archive)
        assert done.returncode == 0, done.stderr
        here.up()
        try:
            slugs = [row["slug"] for row in here.api("GET", "/v1/projects")["projects"]]
            eventually(lambda here=here: here.command(*query, "SELECT 1").returncode, lambda code: code == 0, within=60)  # type: ignore[misc]
            found = here.must(*query, "SELECT count(*) FROM t")
            here.must(*query, "INSERT INTO t VALUES (0)")
            here.must("projects", "create", f"made-in-{number}")
            here.must("backup", "create")
        finally:
            here.down()
        shutil.rmtree(here.home)
    assert "made-in-1" in slugs
    assert "101" in found
