"""Folders as streams of tar, and back."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.core.errors import Conflict
from canonry.features.backups.instance.packing import digest, pack, unpack
from canonry.infra.files import remove_tree

names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=40).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 200
)
trees = st.dictionaries(st.lists(names, min_size=1, max_size=3).map(tuple), st.binary(max_size=3000), max_size=8)


def seen(root: Path) -> dict[str, object]:
    return {
        str(path.relative_to(root)): (path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None)
        for path in sorted(root.rglob("*"))
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(trees)
def test_what_is_packed_comes_back(tmp_path: Path, tree: dict[tuple[str, ...], bytes]) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    remove_tree(source)
    remove_tree(target)
    (source / "kept").mkdir(parents=True)
    for parts, content in tree.items():
        path = source / "kept" / Path(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:  # a file stands where another wants a folder
            continue
    target.mkdir()
    unpack(pack(source, ["kept", "missing"]), target, "x")
    assert seen(target) == seen(source)


def test_modes_links_and_hard_links_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "source" / "a"
    folder.mkdir(parents=True)
    (folder / "run").write_text("x")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("/nowhere/at all")
    os.link(folder / "run", folder / "twin")
    os.mkfifo(folder / "pipe")
    (tmp_path / "target").mkdir()
    unpack(pack(tmp_path / "source", ["a"]), tmp_path / "target", "x")
    made = tmp_path / "target" / "a"
    assert ((made / "run").stat().st_mode & 0o777, (made / "link").readlink()) == (0o755, Path("/nowhere/at all"))
    assert (made / "twin").samefile(made / "run")
    assert not (made / "pipe").exists()


def test_a_file_that_changes_while_it_is_packed_does_not_spoil_the_rest(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"x" * (3 << 20))
    (source / "b").write_text("whole")
    chunks = pack(source, ["a", "b"])
    first = [next(chunks), next(chunks)]
    os.truncate(source / "a", 1 << 20)
    raw = b"".join([*first, *chunks])
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        assert [member.name for member in tar.getmembers()] == ["a", "b"]
        file = tar.extractfile("b")
        assert file is not None
        assert file.read() == b"whole"


def test_what_is_no_tar_is_named(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="parts/x is damaged"):
        unpack(iter([b"x" * 2048]), tmp_path, "parts/x")


def test_a_digest_changes_with_content_and_names_and_not_without(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("1")
    found = [digest(tmp_path, ["a"])]
    found.append(digest(tmp_path, ["a"]))
    (tmp_path / "a" / "one").write_text("22")
    found.append(digest(tmp_path, ["a"]))
    (tmp_path / "a" / "two").write_text("")
    found.append(digest(tmp_path, ["a"]))
    assert found[0] == found[1]
    assert len(set(found)) == 3
