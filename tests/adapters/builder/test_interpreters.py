"""Finding the Pythons of a machine, in folders that may not be looked into."""

import os
import subprocess
import sys
from pathlib import Path

from canonry.adapters.builder.native.interpreters import find_interpreters

_LOOK = """
import os, sys
from pathlib import Path
from canonry.adapters.builder.native.interpreters import find_interpreters
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
print(len(find_interpreters(sys.argv[1] + "/bin", Path(sys.argv[1]), Path(sys.argv[1]) / "managed")))
"""


def test_folders_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    found = find_interpreters(f"{tmp_path}/no:relative:", tmp_path / "no", tmp_path / "managed")
    assert ".".join(map(str, sys.version_info[:3])) in {interpreter.version for interpreter in found}


def test_folders_of_somebody_else_are_passed_over(tmp_path: Path) -> None:
    """`su` and `sudo -u` leave root's $PATH and $HOME behind."""
    closed = tmp_path / "closed"
    (closed / "bin").mkdir(parents=True)
    closed.chmod(0o000)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run([sys.executable, "-c", _LOOK, str(closed)], env=environment, capture_output=True, text=True, check=False)
    finally:
        closed.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().isdigit()
