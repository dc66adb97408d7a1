"""What Canonry did not make stays, whatever it is called and however often the disk is pruned."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.adapters.builder.native.builder import NativeBuilder
from canonry.adapters.disk.memory import MemoryDisk
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.features import accounts
from canonry.features.deployments import store
from canonry.features.disk import governor
from canonry.features.projects import store as projects
from canonry.infra.files import remove_tree
from canonry.wiring.container import Container

PLACES = ("artifacts", "artifacts/.layers", "builds", "caches", "toolchains", "toolchains/python", "mirrors", "uploads", "logs/builds",
          "logs/instances", "repositories", "databases", ".")  # fmt: skip
NAMES = ("art_0123456789abcdef", "art_fedcba9876543210", "prj_mine", "prj_mine-0123456789abcdef", "node-24.1.0", "node-24", "go-1.25.0",
         "cpython-3.13.1-linux-x86_64-gnu", "a" * 64, f"{'b' * 64}.git", f"prj_mine-{'c' * 32}.git", "notes.git", "dep_old.jsonl",
         "holiday photos", ".hidden", "README", "lost+found")  # fmt: skip
KINDS = ("file", "folder", "link to a file", "link to a folder", "broken link")
strangers = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(NAMES), st.sampled_from(KINDS)), min_size=1, max_size=8)
RUN = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def prepared(container: Container) -> tuple[Container, MemoryDisk]:
    """Return a Canonry over the builder of this machine, whose disk is full and whose project has a deleted artifact and an old upload."""
    disk = MemoryDisk(free=0)
    builder = NativeBuilder(container.home, container.settings)
    room = replace(container, ports=replace(container.ports, builder=builder, disk=disk))
    with container.transactions.begin() as tx:
        _, organization = accounts.create_owner(tx, email="a@example.com", name="a", handle="a", organization_name="a")
        projects.insert(tx, project_id="prj_mine", organization_id=organization, slug="mine", name="mine",
                        settings={"repo_url": None, "repo_branch": "main", "runtime": None})  # fmt: skip
    for number in range(7):
        with container.transactions.begin() as tx:
            deployment = f"dep_{number}"
            store.insert(tx, {"id": deployment, "organization_id": organization, "project_id": "prj_mine", "environment": "production",
                              "trigger": "upload", "source": {"kind": "upload", "archive": "a" * 64}, "ref": None, "commit": None,
                              "commit_message": None, "created_by": None})  # fmt: skip
            artifact = "art_0123456789abcdef" if number == 0 else f"art_{number}{'0' * 15}"
            store.insert_release(tx, {"id": f"rel_{number}", "project_id": "prj_mine", "environment": "production",
                                      "deployment_id": deployment, "artifact_id": artifact, "plan": {}, "sealed_variables": b"",
                                      "variables_digest": "", "commit": None, "tree": None})  # fmt: skip
            store.finish(tx, [deployment], "superseded")
    return room, disk


def put(place: Path, kind: str, outside: Path) -> Callable[[], bool]:
    """Make what a stranger might have put there, and return what says whether it is unchanged."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "file":
        place.write_text("mine")
        return lambda: place.read_text() == "mine"
    if kind == "folder":
        (place / "packages").mkdir(parents=True)
        (place / "packages" / "thesis").write_text("mine")
        return lambda: (place / "packages" / "thesis").read_text() == "mine"
    target = {"link to a file": outside / "file", "link to a folder": outside / "folder", "broken link": outside / "nothing"}[kind]
    place.symlink_to(target)
    return lambda: place.readlink() == target and (outside / "folder" / "packages" / "x").exists() and (outside / "file").exists()


def test_strangers_survive_a_thousand_prunes(container: Container, tmp_path: Path) -> None:
    room, _ = prepared(container)
    outside = tmp_path / "outside"
    (outside / "folder" / "packages").mkdir(parents=True)
    (outside / "folder" / "packages" / "x").write_text("x")
    (outside / "folder" / "lock").write_text("")
    (outside / "folder" / "HEAD").write_text("ref: refs/heads/main")
    (outside / "file").write_text("x")
    past = time.time() - 90 * 86_400
    os.utime(outside / "folder", (past, past))

    @RUN
    @given(strangers)
    def prune_around_them(wanted: list[tuple[str, str, str]]) -> None:
        made: dict[Path, Callable[[], bool]] = {}
        for folder, name, kind in wanted:
            place = container.home.root / folder / name
            if is_ours(folder, name, kind) or os.path.lexists(place):
                continue
            made[place] = put(place, kind, outside)
        try:
            governor.prune(room)
            governor.make_room(room.settings, room.ports.disk, room.ports.builder)
            governor.keep_budgets(room)
            governor.tidy(room, "prj_mine", "production")
            changed = [str(place) for place, is_unchanged in made.items() if not is_unchanged()]
            assert not changed
        finally:
            for place in made:
                remove_tree(place)

    prune_around_them()


def is_ours(folder: str, name: str, kind: str) -> bool:
    """Say whether this has the name, place and form of something of ours, so that nobody could tell the difference."""
    is_artifact_of_a_row = folder == "artifacts" and name == "art_0123456789abcdef" and kind in {"file", "folder"}
    is_upload_of_a_row = folder == "uploads" and name == "a" * 64
    return is_artifact_of_a_row or is_upload_of_a_row


def test_what_is_ours_does_go(container: Container) -> None:
    room, _ = prepared(container)
    home: Home = container.home
    cache = home.caches / "prj_mine"
    (cache / "packages").mkdir(parents=True)
    (cache / "packages" / "wheel").write_bytes(b"x" * 10_000)
    (cache / "lock").touch()
    (cache / "strange").write_text("mine")
    artifact = home.artifacts / "art_0123456789abcdef"
    (artifact / "app").mkdir(parents=True)
    (artifact / "artifact.json").write_text('{"mounts": []}')
    log = home.build_logs / "dep_0.jsonl"
    log.write_bytes(b"x" * (2 << 20))
    small = replace(room, settings=Settings(home=home.root, disk_build_logs=1))
    names = {(item.what, item.name) for item in governor.would_prune(small).removed}
    assert names == {("cache", "prj_mine"), ("artifact", "art_0123456789abcdef"), ("build log", "dep_0")}
    governor.prune(small)
    governor.tidy(small, "prj_mine", "production")
    assert (list(cache.iterdir()), artifact.exists(), log.exists()) == ([cache / "lock", cache / "strange"], False, False)
