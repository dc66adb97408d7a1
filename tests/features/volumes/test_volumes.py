"""Volumes over the API: made by a deploy, kept over deploys and rollbacks, detached and never deleted by one, removed on purpose."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from canonry.core.access import PERMISSIONS, Scope
from canonry.core.environments import preview_of
from canonry.core.errors import Conflict, Unavailable
from canonry.features import deployments, projects, volumes
from canonry.features.deployments import jobs as deployment_jobs
from canonry.features.volumes import folders, jobs
from canonry.features.volumes import queue as volume_queue
from canonry.features.volumes import service as volume_service
from canonry.ports.builder import DeclaredVolume
from canonry.ports.errors import StartFailed
from tests.support.api import APP, Api

GB = 10**9


def declared(*names: str, size: str = "1GB", at: str = "/") -> str:
    return "".join(f'[[volumes]]\nname = "{name}"\npath = "{at}{name}"\nsize = "{size}"\n' for name in names)


def deploy(api: Api, slug: str, text: str, **more: str) -> dict[str, object]:
    return api.deploy(slug, {**APP, "canonry.toml": text, **more})


def listed(api: Api, slug: str) -> dict[str, dict[str, object]]:
    return {str(item["name"]): item for item in api.get(f"/v1/projects/{slug}/volumes")["volumes"]}


def folder(api: Api, item: dict[str, object]) -> Path:
    return api.container.home.volumes / str(item["id"])


def run_jobs(api: Api, name: str) -> None:
    """Carry out the jobs of that name that wait."""
    with api.container.transactions.begin() as tx:
        query = "DELETE FROM procrastinate_jobs WHERE task_name = %s RETURNING args"
        rows = tx.connection.execute(query, (name,)).fetchall()
    assert rows
    work = {"volumes.clear": jobs.clear_volume, "deployments.clear": deployment_jobs.clear_project,
            "deployments.clear_environment": deployment_jobs.clear_environment}[name]  # fmt: skip
    for (arguments,) in rows:
        work(api.container, **arguments)


def test_a_deploy_makes_it_and_the_next_ones_keep_it(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    assert deploy(api, slug, declared("data"))["status"] == "live"
    made = listed(api, slug)["data"]
    assert (made["path"], made["status"], made["size_bytes"], made["environment"]) == ("/data", "attached", GB, "production")
    assert str(made["id"]).startswith("vol_")
    (folder(api, made) / "kept").write_text("kept")
    assert deploy(api, slug, declared("data", size="2GB", at="/srv/"), more="changed")["status"] == "live"
    again = listed(api, slug)["data"]
    assert (again["id"], again["path"], again["size_bytes"]) == (made["id"], "/srv/data", 2 * GB)
    mounts = [program.spec.mounts for program in api.runtime.machine.programs.values() if program.code is None]
    assert {(mount.source, mount.target, mount.writable) for mount in mounts[-1]} == {(folder(api, made), "/srv/data", True)}
    assert (folder(api, made) / "kept").read_text() == "kept"


def test_one_that_is_declared_no_longer_is_detached_and_a_rollback_attaches_it_again(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    first = deploy(api, slug, declared("data", "cache"))
    before = listed(api, slug)
    (folder(api, before["data"]) / "kept").write_text("kept")
    assert deploy(api, slug, declared("cache"))["status"] == "live"
    after = listed(api, slug)
    assert (after["data"]["status"], after["cache"]["status"]) == ("detached", "attached")
    assert after["data"]["detached_at"]
    assert (folder(api, before["data"]) / "kept").exists()
    assert api.ask("POST", f"/v1/deployments/{first['id']}/rollback").status == 201
    api.work(slug)
    assert listed(api, slug)["data"]["status"] == "attached"
    assert listed(api, slug)["data"]["id"] == before["data"]["id"]
    assert (folder(api, before["data"]) / "kept").read_text() == "kept"


def test_a_failed_deploy_changes_nothing_of_the_volumes_that_are_live(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    before = listed(api, slug)["data"]
    answer = api.deploy(
        slug, {"Procfile": "release: exit 3\nweb: sleep 600", "canonry.toml": declared("more", "data", size="9GB", at="/x/")}
    )
    assert answer["status"] == "failed"
    after = listed(api, slug)
    assert after["data"] == before
    assert after["more"]["status"] == "detached"


def test_another_name_for_the_project_changes_nothing(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    before = listed(api, slug)
    assert api.ask("PATCH", f"/v1/projects/{slug}", {"name": "Quite another"}).status == 200
    assert listed(api, slug) == before


def test_a_volume_whose_folder_is_gone_is_not_made_anew(api: Api) -> None:
    """Its disk is not mounted, perhaps: an app that begins with an empty folder would do harm."""
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    gone = folder(api, listed(api, slug)["data"])
    gone.rename(gone.with_name("elsewhere"))
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    with pytest.raises(StartFailed) as caught:
        volumes.provide(api.container, project_id, "production", [DeclaredVolume("data", "/data", GB)])
    assert (caught.value.code, gone.exists()) == ("volume_missing", False)
    failed = deploy(api, slug, declared("data"), more="changed")
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "volume_missing"  # type: ignore[index]
    gone.with_name("elsewhere").rename(gone)
    assert deploy(api, slug, declared("data"), more="changed again")["status"] == "live"


def test_a_crash_between_the_row_and_the_folder_is_mended_at_the_next_start(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id = api.get(f"/v1/projects/{api.project('shop')}")["id"]
    wanted = [DeclaredVolume("data", "/data", GB)]
    with monkeypatch.context() as broken:
        broken.setattr(folders, "make", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            volumes.provide(api.container, project_id, "production", wanted)
    first = volumes.provide(api.container, project_id, "production", wanted)
    assert first[0].source.is_dir()
    assert volumes.provide(api.container, project_id, "production", wanted) == first


def test_removing_is_refused_while_it_is_used_and_takes_everything_afterwards(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    item = listed(api, slug)["data"]
    (folder(api, item) / "locked").mkdir()
    (folder(api, item) / "locked" / "file").write_text("x")
    (folder(api, item) / "locked").chmod(0)
    path = f"/v1/projects/{slug}/volumes/data"
    assert api.ask("DELETE", path).error == (409, "volume_in_use")
    assert deploy(api, slug, declared())["status"] == "live"
    assert api.ask("DELETE", f"/v1/projects/{slug}/volumes/other").error == (404, "volume_not_found")
    assert api.ask("DELETE", path, token=api.owner.tokens[Scope.READ]).error == (403, "insufficient_scope")
    assert api.ask("DELETE", path).status == 204
    assert listed(api, slug) == {}
    assert api.ask("DELETE", path).error == (404, "volume_not_found")
    run_jobs(api, volume_queue.CLEAR.name)
    assert not folder(api, item).exists()


def test_a_stopped_project_may_lose_its_volume_and_begins_with_an_empty_one(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    before = listed(api, slug)["data"]
    assert api.ask("POST", f"/v1/projects/{slug}/stop").status == 200
    assert api.ask("DELETE", f"/v1/projects/{slug}/volumes/{before['id']}").status == 204
    assert deploy(api, slug, declared("data"), more="again")["status"] == "live"
    assert listed(api, slug)["data"]["id"] != before["id"]


def test_one_that_a_deployment_starts_with_is_not_removed_under_it(api: Api) -> None:
    """Detached, it may be removed; not any more when a deployment that declares it has begun to start."""
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    deploy(api, slug, declared())
    assert listed(api, slug)["data"]["status"] == "detached"
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    volumes.provide(api.container, project_id, "production", [DeclaredVolume("data", "/data", GB)])
    assert api.ask("DELETE", f"/v1/projects/{slug}/volumes/data").error == (409, "volume_in_use")
    assert api.deploy(slug, {**APP, "Procfile": "release: exit 3\nweb: sleep 600", "canonry.toml": declared("data")})["status"] == "failed"
    assert listed(api, slug)["data"]["status"] == "detached"
    assert api.ask("DELETE", f"/v1/projects/{slug}/volumes/data").status == 204


def test_a_release_whose_volume_was_removed_while_it_started_does_not_go_live(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    assert api.ask("POST", f"/v1/projects/{slug}/stop").status == 200
    provide, answers = volumes.provide, []

    def providing(*arguments: object) -> object:
        mounts = provide(*arguments)  # type: ignore[arg-type]  # passed on as they come
        answers.append(api.ask("DELETE", f"/v1/projects/{slug}/volumes/data").status)
        return mounts

    monkeypatch.setattr(volumes, "provide", providing)
    ended = deploy(api, slug, declared("data"), more="again")
    assert answers == [204]
    assert (ended["status"], ended["error"]["code"]) == ("failed", "volume_removed")  # type: ignore[index]
    monkeypatch.undo()
    assert deploy(api, slug, declared("data"), more="once more")["status"] == "live"


def test_a_project_that_was_started_meanwhile_keeps_its_volume(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    api.ask("POST", f"/v1/projects/{slug}/stop")
    with api.container.transactions.begin() as tx:
        seen = projects.get_any(tx, api.get(f"/v1/projects/{slug}")["id"])
    assert seen.status == "stopped"
    assert api.ask("POST", f"/v1/projects/{slug}/start").status == 200
    with api.container.transactions.begin() as tx, pytest.raises(Conflict) as caught:
        volume_service.remove(tx, api.owner.actor(PERMISSIONS[Scope.DEPLOY]), seen, "data")
    assert caught.value.code == "volume_in_use"


def test_a_project_that_is_deleted_takes_its_volumes_along(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data", "more"))
    found = [folder(api, item) for item in listed(api, slug).values()]
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    assert all(one.is_dir() for one in found)
    run_jobs(api, "deployments.clear")
    assert not any(one.exists() for one in found)


def test_an_id_that_is_none_deletes_nothing(api: Api, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folders.remove(api.container.home, ["", ".", "..", "../volumes", str(outside), "vol_../../x"])
    assert outside.is_dir()
    assert api.container.home.volumes.is_dir()


def test_what_it_holds_is_measured_and_too_much_is_told_once(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data", size="1MB"))
    item = listed(api, slug)["data"]
    rounds = volumes.VolumeRounds(api.container)
    rounds.measure()
    assert (listed(api, slug)["data"]["used_bytes"], listed(api, slug)["data"]["full"]) == (0, False)
    (folder(api, item) / "big").write_bytes(os.urandom(1_500_000))
    os.link(folder(api, item) / "big", folder(api, item) / "same")
    (folder(api, item) / "link").symlink_to("/usr")
    for _ in range(3):
        rounds.measure()
    full = listed(api, slug)["data"]
    assert full["full"] is True
    assert 1_500_000 <= int(str(full["used_bytes"])) < 1_600_000
    assert full["files"] == 3
    assert full["measured_at"]
    assert deploy(api, slug, declared("data", size="1MB"), more="it is not stopped by that")["status"] == "live"
    (folder(api, item) / "big").unlink()
    (folder(api, item) / "same").unlink()
    rounds.measure()
    assert listed(api, slug)["data"]["full"] is False
    with api.container.transactions.begin() as tx:
        told = [row[0] for row in tx.connection.execute("SELECT name FROM events WHERE name LIKE 'volume.%' ORDER BY id").fetchall()]
    assert told == ["volume.created", "volume.full", "volume.no_longer_full"]


def test_backups_are_given_the_volumes_of_production_and_copy_them_without_a_look_outside(api: Api, tmp_path: Path) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    volumes.provide(api.container, project_id, "preview/next", [DeclaredVolume("data", "/data", GB)])
    with api.container.transactions.begin() as tx:
        found = volumes.folders_of(api.container, tx, project_id)
    assert found == [(listed_production(api, slug), api.container.home.volumes / listed_production(api, slug))]
    source = found[0][1]
    (source / "file").write_text("kept")
    (source / "stolen").symlink_to(api.container.home.secret_key)
    target = tmp_path / "copy"
    target.mkdir()
    with closing(sqlite3.connect(source / "app.db")) as app:  # its app has it open, and nothing of it in the main file yet
        app.execute("PRAGMA journal_mode=WAL")
        app.execute("PRAGMA wal_autocheckpoint=0")
        app.execute("CREATE TABLE a (n INTEGER)")
        with app:
            app.execute("INSERT INTO a VALUES (42)")
        copied = volumes.copy(source, target)
    with closing(sqlite3.connect(target / "app.db")) as copy:
        assert copy.execute("SELECT n FROM a").fetchall() == [(42,)]
    assert not (target / "app.db-wal").exists()
    assert (copied.files, copied.restless) == (3, ())
    assert (target / "file").read_text() == "kept"
    assert (target / "stolen").is_symlink()  # a link as it was, not what it leads to


def listed_production(api: Api, slug: str) -> str:
    rows = api.get(f"/v1/projects/{slug}/volumes")["volumes"]
    return str(next(item["id"] for item in rows if item["environment"] == "production"))


def test_a_copy_that_does_not_work_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        volumes.copy(tmp_path / "nothing", tmp_path)
    assert caught.value.code == "volume_copy_failed"


def test_a_preview_has_an_empty_volume_of_its_own_that_goes_with_it(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    deploy(api, slug, declared("data"))
    production = folder(api, listed(api, slug)["data"])
    (production / "private").write_text("of customers")
    environment = preview_of("next")
    with api.container.transactions.begin() as tx:
        project = projects.get_any(tx, api.get(f"/v1/projects/{slug}")["id"])
        projects.claim_label(tx, project.id, environment, [f"{slug}-next"])
    mount = volumes.provide(api.container, project.id, environment, [DeclaredVolume("data", "/data", GB)])[0]
    assert mount.source != production
    assert list(mount.source.iterdir()) == []
    with deployments.closing(api.container, project.id, environment):
        pass
    run_jobs(api, "deployments.clear_environment")
    assert not mount.source.exists()
    assert (production / "private").read_text() == "of customers"
    assert [item["environment"] for item in api.get(f"/v1/projects/{slug}/volumes")["volumes"]] == ["production"]


def test_what_a_deployment_makes_in_a_preview_that_was_closed_meanwhile_goes_too(api: Api) -> None:
    slug, environment = api.project(), preview_of("next")
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    with api.container.transactions.begin() as tx:
        projects.claim_label(tx, project_id, environment, [f"{slug}-next"])
    with deployments.closing(api.container, project_id, environment):
        pass
    late = volumes.provide(api.container, project_id, environment, [DeclaredVolume("data", "/data", GB)])[0]
    run_jobs(api, "deployments.clear_environment")
    assert not late.source.exists()
    assert api.get(f"/v1/projects/{slug}/volumes")["volumes"] == []
