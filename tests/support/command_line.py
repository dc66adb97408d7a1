"""What the `canonry` fixture of tests/cli is, for annotations."""

import subprocess
from typing import Protocol


class RunCli(Protocol):
    """Runs `canonry` with these words as a real process. cwd: a path, default the app's folder; variables: added to the environment."""

    def __call__(self, *words: str, stdin: str = "", **variables: object) -> subprocess.CompletedProcess[str]:
        """Return the finished process; its output is text."""
        ...
