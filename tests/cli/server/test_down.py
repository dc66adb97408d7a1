"""`canonry down` stops several things beside each other; the journeys see it do so, and here is what may not happen meanwhile."""

import subprocess
import sys
from pathlib import Path

from canonry.core.paths import Home

_WATCHED = """
import sys, threading
from pathlib import Path

class Watch:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            print("loaded beside others:", name)

sys.meta_path.insert(0, Watch())
from canonry.cli.server.down import down
print("returned", down(Path(sys.argv[1])))
"""


def test_nothing_is_loaded_by_several_threads(tmp_path: Path) -> None:
    """Python refuses one of two threads that come to a package by different ways, now and then: `deadlock detected by _ModuleLock`."""
    home = Home(tmp_path / "home")
    home.create()
    done = subprocess.run([sys.executable, "-c", _WATCHED, str(home.root)], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "returned 0\n", done.stdout + done.stderr
    assert "Nothing runs" in done.stderr
