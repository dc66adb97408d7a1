"""Running git: one fixed, safe environment, a time limit, a size limit, and git's complaints as errors of ours.

Nobody's own settings count: not the machine's, not the user's, no credential store, no hooks but the named ones, no prompt, and no
transport but the one that was asked for.
"""

import os
import resource
import signal
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import child_environment

_STDERR_LIMIT = 64 << 10
_PROGRESS_EVERY = 2.0  # seconds

# What old, harmless repositories contain and git complains of; everything that can hurt (names and addresses of submodules, `.git` in a
# tree, broken objects) stays an error.
_OLD_SINS = ("badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail", "missingNameBeforeEmail",
             "missingSpaceBeforeDate", "missingSpaceBeforeEmail", "missingTaggerEntry", "multipleAuthors", "nullSha1",
             "zeroPaddedDate", "zeroPaddedFilemode")  # fmt: skip

_ALWAYS = {
    "safe.directory": "*",  # all repositories are ours, whoever's uid made them
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "gc.autoDetach": "false",
    "maintenance.auto": "false",
    "init.defaultBranch": "main",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # keep packs: an interrupted fetch then leaves whole packs or nothing
    "receive.fsckObjects": "true",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "http.userAgent": "git/canonry",
    **{f"{what}.fsck.{sin}": "ignore" for what in ("fetch", "receive") for sin in _OLD_SINS},
}


@dataclass(frozen=True)
class GitRun:
    """How one git command runs.

    timeout: seconds. transports: schemes it may use (`https`); none means no network at all. limit_bytes: size no file it writes may
    exceed, None for no limit. config: further settings. credential: `user:password` sent to `credential_url` only, never on the
    command line. held: descriptors of locks that the command keeps open until all its processes are gone. progress: called with
    git's own progress, about every two seconds. most_output: bytes it may write; one that has more to say is ended there.
    """

    timeout: float = 60
    transports: Sequence[str] = ()
    limit_bytes: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    credential: Secret | None = None
    credential_url: str = ""
    held: Sequence[int] = ()
    progress: Callable[[str], None] | None = None
    most_output: int | None = None


@dataclass(frozen=True)
class GitResult:
    """What a git command wrote. code: negative when a signal ended it. err: English, at most 64 KiB."""

    code: int
    out: bytes
    err: str


def git_environment(*, config: Mapping[str, str] | None = None, transports: Sequence[str] = ()) -> dict[str, str]:
    """Return the whole environment for a git process. Settings travel in it, which outrank every file."""
    outside = child_environment()
    settings = {**_ALWAYS, **(config or {})}
    environment = {name: value for name, value in outside.items() if not name.startswith(("LC_", "UV_", "PIP_", "npm_", "NPM_"))}
    environment |= {
        "LC_ALL": "C", "HOME": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "", "GIT_ATTR_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": ":".join(transports) or "none", "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }  # fmt: skip
    for number, (name, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    certificates = next((outside[name] for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE") if outside.get(name)), None)
    return environment | ({"GIT_SSL_CAINFO": certificates} if certificates else {})


def start_git(
    argv: Sequence[str], how: GitRun, *, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """Start `git <argv>` in its own process group, with pipes for what it writes. The caller ends it (`end_git`).

    Raises: Unavailable `git_missing`.
    """
    config = dict(how.config)
    if how.credential is not None:
        encoded = b64encode(how.credential.reveal().encode()).decode()
        config[f"http.{how.credential_url}.extraHeader"] = f"Authorization: Basic {encoded}"
    try:
        process = subprocess.Popen(["git", *argv], stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, cwd="/", bufsize=1 << 16,
                                   env=git_environment(config=config, transports=how.transports), start_new_session=True,
                                   pass_fds=tuple(how.held))  # fmt: skip
    except FileNotFoundError as error:
        raise Unavailable("git_missing", "git is not installed on this machine.", hint="Install git 2.37 or newer.") from error
    if how.limit_bytes is not None:
        _limit_files(process.pid, how.limit_bytes)
    return process


def run_git(argv: Sequence[str], how: GitRun | None = None) -> GitResult:
    """Run `git <argv>` to its end; any exit code is returned, not raised.

    Raises: Unavailable `git_missing`, `git_timeout`.
    """
    how = how or GitRun()
    process = start_git(argv, how)
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        end_git(process)

    timer = threading.Timer(how.timeout, expire)
    timer.start()
    try:
        out, err = _read_both(process, how)
        code = process.wait()
    finally:
        timer.cancel()
        end_git(process)
    if expired.is_set() and code != 0:
        raise Unavailable("git_timeout", f"git {_verb(argv)} did not end within {how.timeout:g} s and was stopped.",
                          hint="Try again; a very large repository is better pushed or uploaded.")  # fmt: skip
    return GitResult(code, out, err)


def end_git(process: subprocess.Popen[bytes]) -> None:
    """Stop git and everything it started; returns when the process itself is gone. Idempotent."""
    if process.poll() is not None:
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):  # on SIGTERM git removes its own lock files
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
        return


def _read_both(process: subprocess.Popen[bytes], how: GitRun) -> tuple[bytes, str]:
    """Read both pipes to their ends: stdout in a thread, stderr here, because `progress` is called in the caller's own thread."""
    if process.stdout is None or process.stderr is None:
        return b"", ""
    stdout, pieces, progress = process.stdout, list[bytes](), how.progress

    def read() -> None:
        pieces.append(stdout.read(-1 if how.most_output is None else how.most_output))
        if how.most_output is not None and stdout.read(1):
            end_git(process)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    kept, told = bytearray(), time.monotonic()
    while piece := os.read(process.stderr.fileno(), 8192):
        kept += piece
        del kept[:-_STDERR_LIMIT]
        if progress and time.monotonic() - told >= _PROGRESS_EVERY:
            told = time.monotonic()
            if lines := [line for line in _lines(piece) if _is_progress(line)]:
                progress(lines[-1].removeprefix("remote: ").strip())
    reader.join()
    stdout.close()
    process.stderr.close()
    return b"".join(pieces), "\n".join(line for line in _lines(bytes(kept)) if line.strip() and not _is_progress(line))


def _lines(data: bytes) -> list[str]:
    return data.decode(errors="replace").replace("\r", "\n").splitlines()


def _is_progress(line: str) -> bool:
    return "%" in line and ("objects:" in line or "deltas:" in line)


def _limit_files(pid: int, limit: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))
    except (ProcessLookupError, PermissionError):
        return  # it has already ended


def _verb(argv: Sequence[str]) -> str:
    return next((word for word in argv if not word.startswith("-")), "")
