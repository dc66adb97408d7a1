"""What became of one file: its commits, newest first, renames followed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from canonry.core.errors import NotFound
from canonry.core.file_paths import parse_file_path
from canonry.infra.git import GitRun, run_git

_FORMAT = "%x01%H%x00%at%x00%an%x00%ae%x00%s%x00"


@dataclass(frozen=True)
class Revision:
    """One commit that changed the file. path: its name then. sha: its blob, None where it was removed. at: when it was written."""

    commit: str
    at: datetime
    author: str
    email: str
    subject: str
    path: str
    sha: str | None


def file_history(repository: Path, commit: str, path: str, limit: int) -> list[Revision]:
    """Return at most `limit` commits of the file as seen from a commit, newest first.

    commit: a full id. Raises: Invalid `invalid_path`; NotFound `ref_not_found`; Unavailable `git_timeout`.
    """
    path = parse_file_path(path)
    argv = [f"--git-dir={repository}", "-c", "core.quotePath=false", "log", "--topo-order", f"--max-count={limit}",
            "--follow", "--raw", "--no-abbrev", "-z", f"--format={_FORMAT}", "--end-of-options", commit, "--", path]  # fmt: skip
    result = run_git(argv, GitRun(timeout=60))
    if result.code != 0:
        raise NotFound("ref_not_found", f"There is no commit {commit}.", hint="Push it first.")
    return [found for piece in result.out.split(b"\x01")[1:] if (found := _parse(piece)) is not None]


def _parse(piece: bytes) -> Revision | None:
    commit, at, author, email, subject, *raw = piece.split(b"\0")
    words = [part.strip(b"\n") for part in raw if part.strip(b"\n")]
    if not words or not words[0].startswith(b":"):
        return None  # a merge, or a commit that changed nothing but the mode
    blob = words[0].split()[3].decode("ascii")
    return Revision(
        commit.decode("ascii"), datetime.fromtimestamp(int(at), UTC), author.decode(errors="replace"), email.decode(errors="replace"),
        subject.decode(errors="replace"), words[-1].decode(errors="replace"), None if set(blob) == {"0"} else blob,
    )  # fmt: skip
