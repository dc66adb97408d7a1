"""Mirrors of outside repositories: fetched once, then only what is new.

Every ref that was asked for is kept under a name made from its digest, so that a branch `a` that became `a/b` is no conflict.
"""

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from canonry.core.errors import CanonryError, Invalid, Unavailable
from canonry.core.paths import Home
from canonry.core.refs import Ref, RepositoryUrl, parse_ref, parse_repository_url
from canonry.features.git.errors import explain_fetch, failed_fetch, missing_ref
from canonry.features.git.hosted import init_bare
from canonry.features.git.leftovers import remove_leftovers
from canonry.features.git.models import Commit, RepositoryAccess
from canonry.features.git.objects import open_objects
from canonry.features.git.targets import PUBLIC, Targets, Way, moved_to, way_to
from canonry.infra.files import remove_tree
from canonry.infra.git import GitRun, run_git
from canonry.infra.ssh import ssh_files

type LogLine = Callable[[str], None]

FETCH_TIMEOUT = 900.0
REPOSITORY_LIMIT = 4 << 30
_MANY_PACKS = 40
_DAMAGED = "canonry-damaged"
_MIRROR = re.compile(r"(?:[A-Za-z0-9_]+-)?[0-9a-f]{16,64}\.git")
_READ_LATELY = 3600.0  # seconds in which what was fetched has been checked out


def fetch_mirror(
    home: Home, url: str, ref: str | None, log: LogLine, *, targets: Targets = PUBLIC, access: RepositoryAccess | None = None
) -> tuple[Path, Commit]:
    """Bring the mirror of `url` up to date for `ref` and return (its path, the commit). ref None: the remote's default branch.

    targets: what may be asked beside public servers. access: what a private repository is read with; it has a mirror of its own project.
    A full commit id that is there already asks no network. Waits for another fetch of the same mirror. A copy that is damaged, or that
    a killed fetch left half-written, is mended or fetched anew.
    Raises: Invalid `invalid_repository_url`, `invalid_ref`, `repository_needs_login`, `unsafe_repository`, `private_address`,
    `repository_moved`; NotFound `repository_not_found`, `ref_not_found`; TooLarge `repository_too_large`; Unavailable
    `repository_unreachable`, `git_timeout`, ...
    """
    address = parse_repository_url(url, allow_file=targets.files, allow_ssh=access is not None and access.key is not None)
    access = access if access is not None and access.is_for(address) else None
    wanted = parse_ref(ref if ref is not None else "HEAD")
    mirror = _place_of(home, address, access)
    home.mirrors.mkdir(parents=True, exist_ok=True)
    with hold_mirror(mirror, log) as descriptor:
        _prepare(mirror)
        os.utime(mirror)  # it is in use: nobody removes it to make room
        if wanted.commit and (commit := _read(mirror, wanted.commit)):
            log(f"{address} has {commit.sha[:12]} already")
            return mirror, commit
        started = time.monotonic()
        log(f"Fetching {'the default branch' if ref is None else wanted} of {address}")
        way = way_to(address, targets)
        with _reading(home, access, way) as config:
            how = GitRun(
                timeout=FETCH_TIMEOUT, transports=[address.scheme], limit_bytes=REPOSITORY_LIMIT, config=config,
                credential=(access.basic if access else None) or address.credential,
                credential_url=address.text, held=[descriptor], progress=log,
            )  # fmt: skip
            commit = _fetch_wherever(mirror, address, wanted, how, targets)
        log(f"Fetched {commit.sha[:12]} in {time.monotonic() - started:.1f} s: {commit.subject}")
        return mirror, commit


def mirror_of(home: Home, url: str, access: RepositoryAccess | None) -> Path:
    """Return where the mirror of a repository lies, whether it is there or not. Raises: Invalid `invalid_repository_url`."""
    address = parse_repository_url(url, allow_file=True, allow_ssh=True)
    return _place_of(home, address, access if access is not None and access.is_for(address) else None)


def mark_damaged(home: Home, repository: Path) -> None:
    """Note that objects are missing from a mirror, so that the next fetch starts anew. A hosted repository is left as it is."""
    if repository.parent == home.mirrors and repository.is_dir():
        (repository / _DAMAGED).touch()


def mirrors(home: Home) -> list[Path]:
    """Return the mirrors, those that were read longest ago first. What others put beside them is not among them."""
    found = [path for path in home.mirrors.glob("*.git") if _MIRROR.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]
    return sorted((path for path in found if (path / "HEAD").is_file()), key=lambda path: path.stat().st_mtime)


def remove_mirror(mirror: Path) -> bool:
    """Remove a mirror that nobody fetches and no build read lately, and say whether it is gone: the next fetch makes it again."""
    descriptor = os.open(mirror.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.time() - mirror.stat().st_mtime < _READ_LATELY:
            return False
        remove_tree(mirror)
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(descriptor)
    return True


def _place_of(home: Home, address: RepositoryUrl, access: RepositoryAccess | None) -> Path:
    return home.mirrors / f"{access.mirror_of(address) if access else address.key}.git"


@contextmanager
def _reading(home: Home, access: RepositoryAccess | None, way: Way) -> Iterator[Mapping[str, str]]:
    """Give git's settings for the way to a repository; a server that is met for the first time with a key is pinned."""
    if access is None or access.key is None:
        yield way.config
        return
    with ssh_files(home.run, access.key, access.known_hosts, way.ssh) as files:
        try:
            yield {"core.sshCommand": files.command}
        finally:
            if not access.known_hosts and (seen := files.seen()):
                access.pin(seen)


@contextmanager
def hold_mirror(mirror: Path, log: LogLine, *, patience: float = FETCH_TIMEOUT) -> Iterator[int]:
    """Hold the mirror, after waiting for at most `patience` seconds.

    git inherits the descriptor: should we be killed, the lock stays until the last git has ended too.
    """
    descriptor = os.open(mirror.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        waits_until = time.monotonic() + patience
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > waits_until:
                    raise Unavailable("repository_busy", "Another fetch of the same repository does not end.", hint="Try again.") from error
            if not told:
                log("Waiting for another fetch of the same repository")
                told = True
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def _prepare(mirror: Path) -> None:
    if (mirror / _DAMAGED).exists():
        remove_tree(mirror)
    if not mirror.is_dir():
        init_bare(mirror)
    remove_leftovers(mirror)


def _fetch_wherever(mirror: Path, address: RepositoryUrl, ref: Ref, how: GitRun, targets: Targets) -> Commit:
    """Fetch, also from where the same server says that the repository is now: hosts redirect after a change of its name."""
    try:
        return _fetch_or_anew(mirror, address, ref, how)
    except Invalid as error:
        place = moved_to(address, targets, how.credential) if error.code == "repository_moved" else None
        if place is None:
            raise
    if how.progress:
        how.progress(f"It is at {place} now")
    return _fetch_or_anew(mirror, place, ref, replace(how, credential_url=place.text))


def _fetch_or_anew(mirror: Path, url: RepositoryUrl, ref: Ref, how: GitRun) -> Commit:
    try:
        return _fetch(mirror, url, ref, how)
    except _OwnCopyFaulty:
        remove_tree(mirror)
        init_bare(mirror)
    try:
        return _fetch(mirror, url, ref, how)
    except _OwnCopyFaulty as error:
        raise failed_fetch(url, str(error)) from error


def _fetch(mirror: Path, url: RepositoryUrl, ref: Ref, how: GitRun) -> Commit:
    """One fetch of the wanted ref; a tag needs a second one, and the beginning of a commit id all branches and tags."""
    if ref.commit:
        return _fetch_commit(mirror, url, ref, how, ref.commit)
    for name in ref.full_names:
        if _run_fetch(mirror, url, ref, how, [f"+{name}:{_kept_as(name)}"]):
            return _read_fetched(mirror, _kept_as(name))
    if ref.may_be_short_commit:
        if commit := _read(mirror, ref.name.lower()):
            return commit
        _run_fetch(mirror, url, ref, how, _EVERYTHING)
        if commit := _read(mirror, ref.name.lower()):
            return commit
    raise missing_ref(url, ref)


_EVERYTHING = ["+refs/heads/*:refs/canonry/all/heads/*", "+refs/tags/*:refs/canonry/all/tags/*"]


def _fetch_commit(mirror: Path, url: RepositoryUrl, ref: Ref, how: GitRun, sha: str) -> Commit:
    """Ask for the commit itself; a host that gives out branches and tags only is asked for all of them."""
    if _run_fetch(mirror, url, ref, how, [f"+{sha}:{_kept_as(sha)}"]):
        return _read_fetched(mirror, sha)
    _run_fetch(mirror, url, ref, how, _EVERYTHING)
    if commit := _read(mirror, sha):
        return commit
    raise missing_ref(url, ref)


def _run_fetch(mirror: Path, url: RepositoryUrl, ref: Ref, how: GitRun, refspecs: list[str]) -> bool:
    """Return True when it was fetched, False when the other side has no such ref."""
    prune = ["--prune"] if refspecs is _EVERYTHING else []
    options = ["--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--progress", *prune]
    result = run_git([f"--git-dir={mirror}", "fetch", *options, "--", url.text, *refspecs], how)
    if result.code == 0:
        _tidy(mirror, how)
        return True
    error = explain_fetch(result.err, result.code, url, ref)
    if error is None:
        raise _OwnCopyFaulty(result.err)
    if error.code == "ref_not_found":
        return False
    raise error


def _tidy(mirror: Path, how: GitRun) -> None:
    packs = sum(1 for _ in (mirror / "objects" / "pack").glob("*.pack"))
    if packs > _MANY_PACKS:
        run_git([f"--git-dir={mirror}", "repack", "--geometric=2", "-d", "-q"], GitRun(timeout=FETCH_TIMEOUT, held=how.held))


def _read(mirror: Path, name: str) -> Commit | None:
    try:
        with open_objects(mirror) as objects:
            return objects.commit(name)
    except CanonryError as error:
        raise _OwnCopyFaulty(str(error)) from error


def _read_fetched(mirror: Path, name: str) -> Commit:
    commit = _read(mirror, name)
    if commit is None:
        raise _OwnCopyFaulty("what was fetched is not a commit, or cannot be read")
    return commit


def _kept_as(name: str) -> str:
    return f"refs/canonry/one/{hashlib.sha256(name.encode()).hexdigest()[:32]}"


class _OwnCopyFaulty(Exception):
    """The mirror itself, not the other side, made a fetch fail."""
