"""pre-receive, as its own small program: lints the specs of a push before it lands, when CANON.yaml asks for it.

Run by path (`python -I pre_receive.py`) inside git, before any branch moved; what was pushed lies in git's quarantine, which the git
commands started here see through their environment. Of Canonry it imports `canonry.specs` only. Ends with 1 to refuse the whole push:
git lands all of it or nothing. A check that cannot be made refuses, too, or a broken object would be the way around it.

In: lines `old new ref` on stdin. In the environment: CANONRY_PUSH_BRANCH, GIT_PUSH_OPTION_*. Tags are not checked: nothing reads
specs there.
"""

import gc
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import IO

from canonry.specs.landing import SWITCH_OFF, Update, Verdict, check, is_asked_for

MOST_LINES = 200
LARGEST = 1 << 20  # bytes of a spec that is parsed
SECONDS = 300.0
AT_ONCE = 400  # names; more and both sides of the pipe would wait for each other

_ENVIRONMENT = os.environ  # noqa: TID251 -- a program of its own: git hands it what it needs, and settings.py is out of reach
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HEADS = "refs/heads/"
_FILES = {"100644", "100755", "100664"}


class Pushed:
    """The commits of this repository and of what is pushed to it, read by git. Raises: OSError, ValueError, subprocess.SubprocessError."""

    def file(self, commit: str, path: str) -> bytes | None:
        """Return the content of an ordinary file at the root."""
        for found, mode, blob in _tree(["ls-tree", "-z", "--full-tree", commit, "--", path]):
            if found == path and mode in _FILES:
                return next(self.contents([blob]))
        return None

    def paths(self, commit: str) -> list[str]:
        """Return every file of a commit."""
        return [path for path, mode, _ in _tree(["ls-tree", "-r", "-z", "--full-tree", commit]) if mode in _FILES]

    def changed(self, before: str | None, after: str) -> list[tuple[str, str]]:
        """Return path and blob id of every ordinary file that is new or different."""
        if before is None:
            return [(path, blob) for path, mode, blob in _tree(["ls-tree", "-r", "-z", "--full-tree", after]) if mode in _FILES]
        fields = _git(["diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", before, after]).split(b"\0")
        found = []
        for head, name in zip(fields[0:-1:2], fields[1::2], strict=True):
            _, mode, _, blob, status = head.decode("ascii").split(" ")
            path = _decoded(name)
            if path is not None and status != "D" and mode in _FILES:
                found.append((path, blob))
        return found

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes | None]:
        """Give these blobs, None for one that is too long; one git for all of them, and one blob at a time in memory."""
        with subprocess.Popen(["git", "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdin is None or process.stdout is None:
                raise OSError("git has no pipes")
            for group in batched(blobs, AT_ONCE):
                process.stdin.write("".join(f"{blob}\n" for blob in group).encode())
                process.stdin.flush()
                for _ in group:
                    yield _content(process.stdout)
            process.stdin.close()


def _content(stream: IO[bytes]) -> bytes | None:
    """Read one answer of `git cat-file --batch`."""
    left = int(stream.readline().decode("ascii").split()[2])
    if left <= LARGEST:
        return stream.read(left + 1)[:left]
    while left > 0:
        left -= len(stream.read(min(left, LARGEST)))
    stream.read(1)
    return None


def main() -> int:
    """Check every branch that is to move, and say what is wrong. Returns 1 when the push may not land."""
    gc.disable()  # nothing here makes rings, and looking for them takes a third of the time
    default = _HEADS + _ENVIRONMENT.get("CANONRY_PUSH_BRANCH", "main")
    updates = [line.split() for line in sys.stdin if len(line.split()) == 3]
    heads = [(_commit(old), _commit(new), ref) for old, new, ref in updates if ref.startswith(_HEADS)]
    is_refused = False
    for old, new, ref in heads:
        if new is not None:
            verdict = check(Pushed(), Update(old, new, old or _beginning(new, default), ref == default, _may_switch_off()))
            is_refused |= verdict is not None and _tell(verdict, ref.removeprefix(_HEADS))
        elif ref == default and old is not None and not _may_switch_off() and is_asked_for(Pushed(), old):
            _say(f"{ref.removeprefix(_HEADS)} is the default branch, and its specs are checked; without it nothing would be.")
            _say(f"Say so when deleting it is meant: git push -o {SWITCH_OFF} …")
            is_refused = True
    return int(is_refused)


def _tell(verdict: Verdict, branch: str) -> bool:
    for line in verdict.lines(MOST_LINES):
        _say(line)
    errors = sum(verdict.weighs(item) == "error" for _, item in verdict.found)
    if verdict.is_refused:
        _say(f"{branch} is refused: {_counted(errors, verdict, 'error')}, and CANON.yaml lets none land. Nothing was changed.")
    elif verdict.found:
        _say(f"{branch}: {_counted(len(verdict.found), verdict, 'warning')}.")
    return verdict.is_refused


def _counted(number: int, verdict: Verdict, word: str) -> str:
    faults = f"{number} {word}" if number == 1 else f"{number} {word}s"
    if not verdict.checked:
        return faults  # CANON.yaml itself is at fault
    return f"{faults} in {verdict.checked} changed {'spec' if verdict.checked == 1 else 'specs'}"


def _beginning(new: str, default: str) -> str | None:
    """Return where a new branch leaves the default one, None when they share nothing."""
    if subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{default}^{{commit}}"], capture_output=True, check=False).returncode:
        return None
    found = subprocess.run(["git", "merge-base", default, new], capture_output=True, check=False, timeout=SECONDS)
    return found.stdout.decode("ascii").strip() or None


def _commit(name: str) -> str | None:
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name):
        raise ValueError(f"{name} is no commit")
    return name if name.strip("0") else None


def _may_switch_off() -> bool:
    count = _ENVIRONMENT.get("GIT_PUSH_OPTION_COUNT", "0")
    return SWITCH_OFF in {_ENVIRONMENT.get(f"GIT_PUSH_OPTION_{at}") for at in range(int(count))}


def _tree(argv: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Give path, mode and id of what `git ls-tree -z` lists; names that are not UTF-8 are left out, as the index leaves them out."""
    for line in _git(argv).split(b"\0"):
        head, tab, name = line.partition(b"\t")
        path = _decoded(name)
        if tab and path is not None:
            mode, _, sha = head.decode("ascii").split()
            yield path, mode, sha


def _git(argv: Sequence[str]) -> bytes:
    return subprocess.run(["git", *argv], stdout=subprocess.PIPE, check=True, timeout=SECONDS).stdout


def _decoded(name: bytes) -> str | None:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return None


def _say(text: str) -> None:
    os.write(1, (_CONTROL.sub("?", text) + "\n").encode("utf-8", "replace"))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # noqa: BLE001 -- whatever it is: what cannot be checked does not land
        _say(f"The specs of this push could not be checked, so it does not land: {type(error).__name__}: {error}. Try again.")
        sys.exit(1)
