"""Unpacking uploads: what must work, what must be refused, and that nothing outside the target is ever touched."""

import gzip
import io
import os
import stat
import struct
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.core.errors import CanonryError, Invalid, TooLarge
from canonry.infra.archives import check, unpack

LIMIT = 8 << 20


def open_it(archive: Path, target: Path, limit_bytes: int = LIMIT, limit_files: int = 1000) -> None:
    unpack(archive, target, limit_bytes=limit_bytes, limit_files=limit_files)


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def member(
    name: str, content: bytes = b"x", *, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, link
    return info, content if kind == tarfile.REGTYPE else b""


def zip_of(path: Path, *members: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name twice is what some of these are about
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, mode << 16, zipfile.ZIP_DEFLATED
            package.writestr(info, content)
    return path


def tree_of(folder: Path) -> dict[str, tuple[str, object]]:
    found: dict[str, tuple[str, object]] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        else:
            found[name] = ("folder", None) if path.is_dir() else ("file", path.read_bytes())
    return found


def test_a_tar_gz_gives_files_folders_links_and_executable_bits(tmp_path: Path) -> None:
    archive = tar_of(
        tmp_path / "a", member("./"), member("./app/run.sh", b"#!", mode=0o4755), member("app/data.txt", b"1"),
        member("app/link", kind=tarfile.SYMTYPE, link="data.txt"), member("app/up", kind=tarfile.SYMTYPE, link="../app/data.txt"),
        member("app/same", kind=tarfile.LNKTYPE, link="app/data.txt"),
    )  # fmt: skip
    open_it(archive, tmp_path / "out")
    assert tree_of(tmp_path / "out") == {
        "app": ("folder", None), "app/run.sh": ("file", b"#!"), "app/data.txt": ("file", b"1"), "app/link": ("link", "data.txt"),
        "app/up": ("link", "../app/data.txt"), "app/same": ("file", b"1"),
    }  # fmt: skip
    mode = (tmp_path / "out/app/run.sh").stat().st_mode
    assert mode & stat.S_IXUSR
    assert not mode & stat.S_ISUID
    assert not (tmp_path / "out/app/data.txt").stat().st_mode & stat.S_IXUSR


def test_a_zip_gives_the_same(tmp_path: Path) -> None:
    archive = zip_of(
        tmp_path / "a", ("b/", b"", stat.S_IFDIR | 0o755), ("b/run", b"#!", stat.S_IFREG | 0o755),
        ("b/ü.txt", b"2", stat.S_IFREG | 0o644), ("b/l", b"run", stat.S_IFLNK | 0o777),
    )  # fmt: skip
    open_it(archive, tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"b": ("folder", None), "b/run": ("file", b"#!"), "b/ü.txt": ("file", b"2"), "b/l": ("link", "run")}
    assert (tmp_path / "out/b/run").stat().st_mode & stat.S_IXUSR


def test_a_zip_made_on_windows_has_its_folders(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as package:
        info = zipfile.ZipInfo("x")
        info.filename, info.create_system = "app\\index.html", 0
        package.writestr(info, b"1")
    open_it(tmp_path / "a", tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"app": ("folder", None), "app/index.html": ("file", b"1")}


def test_an_empty_archive_gives_an_empty_folder(tmp_path: Path) -> None:
    open_it(tar_of(tmp_path / "t"), tmp_path / "a")
    open_it(zip_of(tmp_path / "z"), tmp_path / "b")
    assert tree_of(tmp_path / "a") == tree_of(tmp_path / "b") == {}


UNSAFE: dict[str, list[tuple[tarfile.TarInfo, bytes]]] = {
    "dots": [member("a/../../evil")],
    "absolute": [member("/etc/evil")],
    "link outside": [member("l", kind=tarfile.SYMTYPE, link="../../etc")],
    "absolute link": [member("l", kind=tarfile.SYMTYPE, link="/etc/passwd")],
    "file through a link": [member("l", kind=tarfile.SYMTYPE, link="."), member("l/evil")],
    "link through a link": [
        member("d/e/f"),
        member("d/l", kind=tarfile.SYMTYPE, link="e/.."),
        member("k", kind=tarfile.SYMTYPE, link="d/l/../.."),
    ],
    "ring of links": [member("a", kind=tarfile.SYMTYPE, link="b"), member("b", kind=tarfile.SYMTYPE, link="a")],
    "hard link outside": [member("h", kind=tarfile.LNKTYPE, link="../../etc/passwd")],
    "hard link to nothing": [member("h", kind=tarfile.LNKTYPE, link="nothing")],
    "hard link to itself": [member("a/h", kind=tarfile.LNKTYPE, link="a/h")],
    "hard link to a link": [member("l", kind=tarfile.SYMTYPE, link="x"), member("h", kind=tarfile.LNKTYPE, link="l")],
    "pipe": [member("p", kind=tarfile.FIFOTYPE)],
    "device": [member("d", kind=tarfile.CHRTYPE)],
    "the same name twice": [member("a", b"1"), member("./a", b"2")],
    "file then link": [member("a"), member("a", kind=tarfile.SYMTYPE, link="b")],
    "file as folder": [member("a"), member("a/b")],
    "name too long": [member("n" * 300)],
    "name not UTF-8": [member("bad\udcff")],
}


@pytest.mark.parametrize("members", UNSAFE.values(), ids=UNSAFE.keys())
@pytest.mark.criterion("deploys#archive-refused")
def test_an_entry_that_could_do_harm_is_refused_and_named(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(tmp_path / "a", "w:gz", encoding="utf-8", errors="surrogateescape") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(Invalid) as caught:
        open_it(tmp_path / "a", tmp_path / "out")
    assert caught.value.code == "unsafe_archive"
    assert "The entry '" in caught.value.message
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize(
    ("name", "mode"), [("../evil", stat.S_IFREG), ("/evil", stat.S_IFREG), ("p", stat.S_IFIFO), ("a\0b", stat.S_IFREG)]
)
@pytest.mark.criterion("deploys#archive-refused")
def test_the_same_holds_for_a_zip(tmp_path: Path, name: str, mode: int) -> None:
    archive = zip_of(tmp_path / "a", ("ok" * len(name.encode()), b"", stat.S_IFREG), ("Z" * len(name), b"1", mode))
    archive.write_bytes(archive.read_bytes().replace(b"Z" * len(name), name.encode()))
    with pytest.raises(Invalid) as caught:
        open_it(archive, tmp_path / "out")
    assert caught.value.code == "unsafe_archive"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"hello", b"7z\xbc\xaf", b"\x1f\x8bgarbage", b"PK\x03\x04garbage", b"PK\x05\x06" + b"\xff" * 18]
)
def test_other_bytes_are_unsupported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(Invalid) as caught:
        open_it(tmp_path / "a", tmp_path / "out")
    assert caught.value.code == "unsupported_archive"
    assert not (tmp_path / "out").exists()


def test_a_torn_archive_is_unsupported(tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "whole", member("a", os.urandom(50_000))).read_bytes()
    (tmp_path / "a").write_bytes(whole[:-20_000])
    with pytest.raises(Invalid, match="damaged"):
        open_it(tmp_path / "a", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def bomb_of_zeros(path: Path) -> Path:
    return tar_of(path, member("zeros", b"\0" * (LIMIT + 1)))


def zip_that_lies(path: Path) -> Path:
    zip_of(path, ("zeros", b"\0" * (LIMIT * 2), stat.S_IFREG))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", LIMIT * 2), struct.pack("<L", LIMIT + (1 << 20))))
    return path


def many_files(path: Path) -> Path:
    return tar_of(path, *(member(f"f{number}", b"") for number in range(1001)))


def zeros_after_the_end(path: Path) -> Path:
    whole = gzip.decompress(tar_of(path, member("a")).read_bytes())
    path.write_bytes(gzip.compress(whole + b"\0" * (LIMIT + 1001 * 4096)))
    return path


@pytest.mark.parametrize("make", [bomb_of_zeros, zip_that_lies, many_files, zeros_after_the_end])
def test_a_bomb_is_stopped_while_it_grows(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    archive = make(tmp_path / "a")
    with pytest.raises(TooLarge) as caught:
        open_it(archive, tmp_path / "out")
    assert caught.value.code == "archive_too_large"
    assert not (tmp_path / "out").exists()


def test_a_ratio_that_only_a_bomb_has_is_refused_below_the_limit(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a", member("zeros", b"\0" * (40 << 20)))
    with pytest.raises(TooLarge, match="two-hundredfold"):
        open_it(archive, tmp_path / "out", limit_bytes=1 << 30)


def test_a_giant_header_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 2 << 30
    with gzip.open(tmp_path / "a", "wb") as packed:
        packed.write(header.tobuf())
        packed.write(b"\0" * 100_000)
    with pytest.raises(Invalid) as caught:
        open_it(tmp_path / "a", tmp_path / "out")
    assert caught.value.code == "unsupported_archive"


def test_a_zip_with_a_giant_directory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a", *((f"f{number:06}", b"", stat.S_IFREG) for number in range(1000)))
    with pytest.raises(TooLarge, match="more than 10 files"):
        open_it(archive, tmp_path / "out", limit_files=10)


names = st.lists(st.sampled_from(["a", "b", "..", ".", "", "c" * 300, "x\\y", "\u00fc"]), min_size=1, max_size=4).map("/".join)
goals = st.lists(st.sampled_from(["a", "b", "..", ".", "", "outside"]), min_size=1, max_size=5).map("/".join)
kinds = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(names, kinds, goals), max_size=6), st.sampled_from(["tar", "zip"]))
def test_whatever_the_entries_nothing_outside_is_touched(entries: list[tuple[str, bytes, str]], form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "room").mkdir()
        (root / "outside").write_text("untouched")
        archive = root / "archive"
        if form == "tar":
            tar_of(archive, *(member(name, b"new", kind=kind, link=goal) for name, kind, goal in entries))
        else:
            modes = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.FIFOTYPE: stat.S_IFIFO}
            zip_of(archive, *((name or "n", goal.encode(), modes.get(kind, stat.S_IFREG) | 0o644) for name, kind, goal in entries))
        check_containment(archive, root)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", b""]), st.binary(max_size=600), st.booleans(), st.integers(0, 5000))
def test_whatever_the_bytes_the_error_is_ours(start: bytes, noise: bytes, is_tar: bool, place: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "room").mkdir()
        (root / "outside").write_text("untouched")
        if is_tar:  # a real archive with noise inside, packed again so that the noise is reached
            good = gzip.decompress(tar_of(root / "archive", member("a", b"1" * 700), member("b/c", b"2")).read_bytes())
            at = place % len(good)
            (root / "archive").write_bytes(gzip.compress(good[:at] + noise + good[at + len(noise) :]))
        else:
            (root / "archive").write_bytes(start + noise)
        check_containment(root / "archive", root)


def fault_of(work: Callable[[], None]) -> str:
    try:
        work()
    except CanonryError as error:
        return error.code
    return ""


def check_containment(archive: Path, root: Path) -> None:
    target = root / "room" / "target"
    looked, opened = fault_of(lambda: check(archive, limit_bytes=LIMIT, limit_files=1000)), fault_of(lambda: open_it(archive, target))
    assert looked == opened
    if not opened:
        for path in target.rglob("*"):
            assert path.resolve().is_relative_to(target.resolve()), path
    assert (root / "outside").read_text() == "untouched"
    assert sorted(entry.name for entry in root.iterdir()) == ["archive", "outside", "room"]
    assert [entry.name for entry in (root / "room").iterdir()] in ([], ["target"])
