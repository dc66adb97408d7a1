"""An archive becomes a home again: in a folder and in a bucket, and every way in which it must not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.adapters.objects.s3 import S3Objects
from canonry.core.errors import Conflict, NotFound
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.features.backups.instance import restoring, taking
from canonry.features.backups.instance.models import Snapshot, from_bytes, to_bytes
from canonry.features.backups.instance.place import Place, find_place
from canonry.infra.backup import base
from canonry.infra.backup.key import new_key
from canonry.ports.objects import Objects
from canonry.wiring.container import Container
from tests.support.api import SITE, Api, serving
from tests.support.s3 import S3Server


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return FolderObjects(tmp_path / "archive")
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Objects(server.make_bucket(f"home-{new_key().id}"))


@pytest.fixture
def canonry(container: Container) -> Iterator[Api]:
    """Give a Canonry whose rows are on a server outside, so that its files are what is backed up."""
    with serving(replace(container, settings=replace(container.settings, database_url=Secret("postgresql:///outside")))) as api:
        yield api


def taken(canonry: Api, objects: Objects) -> tuple[Place, Snapshot]:
    place = Place(objects, new_key(), "0123456789ab")
    return place, taking.take(canonry.container, place, base="", with_volumes=True)


def silent(_text: str) -> None:
    """Say nothing."""


def test_files_of_what_is_live_come_back_with_keys_and_uploads(canonry: Api, objects: Objects, tmp_path: Path) -> None:
    live = canonry.deploy(canonry.project("shop"), SITE)
    old = canonry.container.home
    (old.permits).mkdir(parents=True, exist_ok=True)
    (old.permits / "shop.example.com").write_text("active")
    place, snapshot = taken(canonry, objects)
    assert taking.take(canonry.container, place, base="", with_volumes=True) == snapshot  # nothing has changed
    found = find_place(objects, place.key, None)
    new = Home(tmp_path / "new")
    done = restoring.restore(found, found.load(found.ids()[-1]), new, canonry.container.ports.clusters, silent)
    assert (done.rows, done.missing) == (False, ())
    for path in (f"artifacts/{live['artifact_id']}/site/index.html", "secret.key", "edge/permits/shop.example.com"):
        assert (new.root / path).read_bytes() == (old.root / path).read_bytes()
    assert [upload.name for upload in new.uploads.iterdir()] == [upload.name for upload in old.uploads.iterdir()]
    assert (new.secret_key.stat().st_mode & 0o777, new.backups_key.stat().st_mode & 0o777) == (0o600, 0o600)
    assert not new.half_restored.exists()


def test_what_is_not_live_is_not_in_it_but_what_is_pinned_is(canonry: Api, objects: Objects) -> None:
    slug = canonry.project("shop")
    rows = [canonry.deploy(slug, {"index.html": str(number)}) for number in range(3)]
    assert canonry.ask("PUT", f"/v1/deployments/{rows[0]['id']}/pin").status == 200
    _, snapshot = taken(canonry, objects)
    assert {part.path for part in snapshot.parts if part.kind == "artifact"} == {
        f"artifacts/{row['artifact_id']}" for row in (rows[0], rows[2])
    }


def test_a_home_that_was_left_half_restored_is_begun_anew(canonry: Api, objects: Objects, tmp_path: Path) -> None:
    canonry.deploy(canonry.project("shop"), SITE)
    place, snapshot = taken(canonry, objects)
    home = Home(tmp_path / "new")
    restoring.begin(home)
    (home.root / "uploads").mkdir()
    (home.root / "uploads" / "half").write_text("of something")
    restoring.restore(place, snapshot, home, canonry.container.ports.clusters, silent)
    assert not (home.root / "uploads" / "half").exists()
    with pytest.raises(Conflict, match="is not empty"):
        restoring.restore(place, snapshot, home, canonry.container.ports.clusters, silent)


def test_a_missing_part_is_told_before_anything_is_unpacked(canonry: Api, objects: Objects, tmp_path: Path) -> None:
    canonry.deploy(canonry.project("shop"), SITE)
    place, snapshot = taken(canonry, objects)
    victim = next(part for part in snapshot.parts if part.kind == "upload")
    objects.delete(victim.key)
    home = Home(tmp_path / "new")
    with pytest.raises(NotFound, match=victim.key):
        restoring.restore(place, snapshot, home, canonry.container.ports.clusters, silent)
    assert [entry.name for entry in home.root.iterdir()] == [".restoring"]


def test_a_backup_of_another_postgresql_is_refused_before_anything_is_unpacked(
    canonry: Api, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canonry.deploy(canonry.project("shop"), SITE)
    place, snapshot = taken(canonry, objects)
    monkeypatch.setattr(base, "find_all", lambda _archive: [SimpleNamespace(version=990_001)])
    new = Home(tmp_path / "new")
    named = replace(snapshot, clusters=("db_0123456789abcdef",))
    with pytest.raises(Conflict) as caught:
        restoring.restore(place, named, new, canonry.container.ports.clusters, silent)
    assert (caught.value.code, "db_0123456789abcdef" in caught.value.message) == ("database_version", True)
    assert not new.secret_key.exists()
    assert list(new.artifacts.iterdir()) == []


def test_a_snapshot_of_a_later_canonry_says_what_to_install(canonry: Api, objects: Objects) -> None:
    _, snapshot = taken(canonry, objects)
    assert from_bytes(to_bytes(snapshot)) == snapshot
    with pytest.raises(Conflict, match="newer Canonry"):
        from_bytes(to_bytes(snapshot).replace(b'"format": 1', b'"format": 2'))
