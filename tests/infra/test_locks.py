"""Locks between processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from canonry.core.errors import Conflict
from canonry.infra.locks import FileLock, locked


def test_only_one_holds_a_lock_and_its_pid_is_known(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import sys; from pathlib import Path; from canonry.infra.locks import FileLock;"
        "lock = FileLock(Path(sys.argv[1])); print(lock.take(), flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    lock = FileLock(path)
    assert not lock.take()
    assert lock.holder() == holder.pid
    with pytest.raises(Conflict, match=str(holder.pid)), locked(path, timeout=0.1, purpose="start"):
        pass
    holder.kill()
    holder.communicate()
    assert lock.holder() is None
    assert lock.take()
    lock.let_go()


def test_a_lock_is_free_after_its_block_and_before_its_file_exists(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert FileLock(path).holder() is None
    with locked(path, timeout=1, purpose="start"):
        assert FileLock(path).holder() is not None
    with locked(path, timeout=1, purpose="start"):
        pass
