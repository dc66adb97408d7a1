"""[[volumes]]: what is read, what is refused and with which words, and what can never be accepted whatever is written."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.adapters.builder.native.digests import artifact_id
from canonry.adapters.builder.native.plan import plan_source
from canonry.adapters.builder.native.plan.volumes import MOST, parse_size, read_volumes
from canonry.adapters.builder.native.volume_points import make_mount_points
from canonry.core.errors import Invalid
from canonry.ports.builder import DeclaredVolume, Mount, Plan, PlanSettings
from canonry.ports.errors import BuildFailed

GOOD = '[[volumes]]\nname = "data"\npath = "/data"\nsize = "1GB"\n'


def plan_of(folder: Path, text: str, *, site: bool = False) -> Plan:
    (folder / "canonry.toml").write_text(text)
    (folder / ("index.html" if site else "start.sh")).write_text("true")
    return plan_source(folder, PlanSettings())


def test_a_volume_is_part_of_the_plan(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, GOOD + '[[volumes]]\nname = "up-2"\npath = "/app/var/up"\nsize = "512 MiB"\n')
    assert plan.volumes == (DeclaredVolume("data", "/data", 10**9), DeclaredVolume("up-2", "/app/var/up", 512 << 20))
    assert {"canonry.toml volumes.data", "canonry.toml volumes.up-2"} <= set(plan.overrides)


def test_a_static_site_has_no_use_for_one(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="would do nothing"):
        plan_of(tmp_path, GOOD, site=True)
    assert plan_of(tmp_path, f'{GOOD}[processes]\nworker = "sh work.sh"\n', site=True).volumes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("volumes = 5", r"\[\[volumes\]\]"),
        ("[volumes]\ndata = 1", r"\[\[volumes\]\]"),
        ('[[volumes]]\nname = "data"\npath = "/data"', "lacks size"),
        (GOOD + 'mode = "0700"', "unknown key: mode"),
        (GOOD.replace('"data"', '"Data"'), "not a name of a volume"),
        (GOOD.replace('"data"', "5"), "not a name of a volume"),
        (GOOD.replace("1GB", "1 gigabyte"), "not a size"),
        (GOOD.replace("1GB", "0GB"), "not a size"),
        (GOOD.replace("1GB", "9999999TB"), "not a size"),
        (GOOD.replace('"1GB"', "5"), "not a size"),
        (GOOD.replace("/data", "data"), "not a path"),
        (GOOD.replace("/data", "/data/"), "not a path"),
        (GOOD.replace("/data", "/a/../etc"), "not a path"),
        (GOOD.replace("/data", "/a/./b"), "not a path"),
        (GOOD.replace("/data", "//data"), "not a path"),
        (GOOD.replace("/data", "/"), "not a path"),
        (GOOD.replace("/data", "/da ta"), "not a path"),
        (GOOD.replace("/data", "/app"), "own folder"),
        (GOOD.replace("/data", "/app/node_modules/x"), "packages"),
        (GOOD.replace("/data", "/etc/passwd"), "belongs to the system"),
        (GOOD.replace("/data", "/proc"), "belongs to the system"),
        (GOOD.replace("/data", "/tmp/x"), "belongs to the system"),
        (GOOD + GOOD, "names data twice"),
        (GOOD + GOOD.replace('"data"', '"more"').replace("/data", "/data/more"), "one in the other"),
        (GOOD.replace("/data", "/data/more") + GOOD.replace('"data"', '"more"'), "one in the other"),
    ],
)
def test_what_is_wrong_is_refused_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        plan_of(tmp_path, text)
    assert caught.value.code == "invalid_config"
    assert caught.value.issues[0].path.startswith("canonry.toml")
    assert caught.value.hint


_PARTS = st.sampled_from(["data", "app", "etc", "..", ".", "", "usr", "a b", "node_modules", "x", "tmp", "proc", "\0", "ü"])
_PATHS = (
    st.lists(_PARTS, max_size=4).map("/".join)
    | st.text("/.a~ \\x", max_size=8)
    | st.lists(_PARTS, max_size=4).map(lambda parts: f"/{'/'.join(parts)}")
)
_ENTRIES = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c", "A", ""]), "path": _PATHS, "size": st.sampled_from(["1GB", "x", 1])}
)


@given(st.lists(_ENTRIES, max_size=4) | st.integers() | st.lists(st.integers(), max_size=2))
def test_whatever_is_accepted_harms_nothing(value: object) -> None:
    try:
        volumes = read_volumes("canonry.toml", value)
    except Invalid:
        return
    paths = [PurePosixPath(volume.path) for volume in volumes]
    for path in paths:
        assert path.is_absolute()
        assert str(path) not in {"/", "/app"}
        assert ".." not in path.parts
        assert path.parts[1] not in {"usr", "etc", "tmp", "proc"}
        assert not any(path is not other and (path.is_relative_to(other) or other.is_relative_to(path)) for other in paths)
    assert len({volume.name for volume in volumes}) == len(volumes) <= MOST


@given(st.integers(1, 9_999), st.sampled_from(["MB", "GB", "MiB", "GiB"]))
def test_a_size_is_what_its_unit_says(number: int, unit: str) -> None:
    factor = {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}[unit]
    assert parse_size("size", f"{number}{unit}") == number * factor


def test_more_than_sixteen_are_too_many(tmp_path: Path) -> None:
    text = "".join(GOOD.replace("data", f"data{number}") for number in range(MOST + 1))
    with pytest.raises(Invalid, match="more than 16"):
        plan_of(tmp_path, text)


def test_an_artifact_of_before_there_were_volumes_is_used_again() -> None:
    before = artifact_id("tree", Plan("static"), (), "", "key")
    assert artifact_id("tree", Plan("static", volumes=(DeclaredVolume("a", "/a", 1),)), (), "", "key") != before
    assert before == "art_d69ef2a6aaa5f1a0d83b216dfe3dcc7b"


def test_the_artifact_has_an_empty_folder_where_a_volume_lies_below_the_app(tmp_path: Path) -> None:
    make_mount_points(tmp_path, [DeclaredVolume("a", "/app/var/a", 1), DeclaredVolume("b", "/b", 1)], [])
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["var", "var/a"]


def test_a_link_or_a_file_in_the_way_is_refused_and_not_followed(tmp_path: Path) -> None:
    app, outside = tmp_path / "app", tmp_path / "outside"
    app.mkdir()
    outside.mkdir()
    (app / "link").symlink_to(outside)
    (app / "file").write_text("x")
    for path in ("/app/link", "/app/link/in", "/app/file"):
        with pytest.raises(BuildFailed) as caught:
            make_mount_points(app, [DeclaredVolume("a", path, 1)], [])
        assert caught.value.code == "volume_conflict"
    assert not list(outside.iterdir())


def test_what_the_app_needs_is_not_covered(tmp_path: Path) -> None:
    for path in ("/work", "/work/python/lib", "/work/python"):
        with pytest.raises(BuildFailed, match="needed by the app"):
            make_mount_points(tmp_path, [DeclaredVolume("a", path, 1)], [Mount(tmp_path, "/work/python")])
