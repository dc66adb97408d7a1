"""The files of this repository, for the tests that look at all of them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def kept_files() -> tuple[Path, ...]:
    """Every file git keeps or would keep (new ones that are not ignored included), relative to the root."""
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    names = sorted({name.decode() for name in listed.split(b"\0") if name})
    return tuple(path for path in map(Path, names) if (ROOT / path).is_file() and not (ROOT / path).is_symlink())


def kept_python(*folders: str) -> list[Path]:
    """Every Python file under these folders."""
    return [path for path in kept_files() if path.suffix == ".py" and path.parts[0] in folders]


def read(path: Path) -> str:
    """Return the text of a file; one that is no text is empty."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
