"""Bare repositories in the archive: a bundle with everything, then bundles with what is new; and back."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from canonry.core.errors import Conflict, Unavailable
from canonry.features.backups.instance.models import BundledRepository
from canonry.infra.backup.archive import Archive
from canonry.infra.files import remove_tree, write_atomic
from canonry.infra.git import GitRun, run_git, start_git

_TIMEOUT = 3600.0
_MOST_BUNDLES = 20  # then one with everything again: a restore reads them all
_PIECE = 1 << 20


def bundle(home: Path, repository: Path, prefix: str, archive: Archive, before: BundledRepository | None) -> BundledRepository:
    """Send what is new in a repository since `before`, and return how it is put together now."""
    refs = _refs(repository)
    head = (repository / "HEAD").read_text(encoding="utf-8").strip()
    path = os.fspath(repository.relative_to(home))
    if before is not None and before.refs == refs:
        return BundledRepository(path, head, refs, before.bundles)
    known = before.bundles if before is not None and len(before.bundles) < _MOST_BUNDLES else ()
    basis = sorted(set(before.refs.values())) if before is not None and known else []
    there = [sha for sha in basis if _has(repository, sha)]
    if not refs or not _news(repository, there):
        return BundledRepository(path, head, refs, known)
    name = hashlib.sha256(json.dumps([refs, there, list(known)], sort_keys=True).encode()).hexdigest()[:32]
    key = f"{prefix}/repositories/{repository.name}/{name}"
    if archive.objects.find(key) is None:
        archive.put(key, _create(repository, there))
    return BundledRepository(path, head, refs, (*known, key))


def unbundle(home: Path, bundled: BundledRepository, archive: Archive) -> None:
    """Make the repository again. Raises: Conflict `backup_…`, NotFound `object_missing`; Unavailable `repository_not_restored`."""
    target = home / bundled.path
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_tree(target)
    _git(["init", "--quiet", "--bare", "--template=", "-b", "main", "--", os.fspath(target)])
    for number, key in enumerate(bundled.bundles):
        file = target / f"restore-{number}.bundle"
        with file.open("wb") as opened:
            for piece in archive.get(key):
                opened.write(piece)
        _git([f"--git-dir={target}", "bundle", "unbundle", os.fspath(file)])
        file.unlink()
    lines = "".join(f"create {name} {sha}\n" for name, sha in sorted(bundled.refs.items()))
    if lines:
        _update_refs(target, lines)
    write_atomic(target / "HEAD", f"{bundled.head}\n")


def _create(repository: Path, basis: list[str]) -> Iterator[bytes]:
    excluded = [f"^{sha}" for sha in basis]
    process = start_git([f"--git-dir={repository}", "bundle", "create", "--quiet", "-", "--all", *excluded], GitRun(timeout=_TIMEOUT))
    try:
        if process.stdout is not None:
            while piece := process.stdout.read(_PIECE):
                yield piece
        said = process.stderr.read().decode(errors="replace") if process.stderr is not None else ""
        if process.wait() != 0:
            raise Unavailable("backup_failed", f"git could not bundle {repository.name}: {said[-300:]}", hint="Try again.")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _refs(repository: Path) -> dict[str, str]:
    result = run_git([f"--git-dir={repository}", "for-each-ref", "--format=%(refname) %(objectname)"])
    if result.code != 0:
        raise Conflict("repository_damaged", f"git cannot read {repository.name}: {result.err[-300:]}", hint="Push it anew.")
    return dict(line.split(" ") for line in result.out.decode().splitlines())


def _has(repository: Path, sha: str) -> bool:
    return run_git([f"--git-dir={repository}", "cat-file", "-e", sha]).code == 0


def _news(repository: Path, basis: list[str]) -> bool:
    """Say whether something can be reached from the refs that cannot be from `basis`; a bundle of nothing cannot be made."""
    result = run_git([f"--git-dir={repository}", "rev-list", "--objects", "--max-count=1", "--all", *(f"^{sha}" for sha in basis)])
    return bool(result.out.strip()) or not basis


def _update_refs(target: Path, lines: str) -> None:
    import subprocess  # noqa: PLC0415 -- git's own runner takes no input

    from canonry.infra.git import git_environment  # noqa: PLC0415 -- as above

    done = subprocess.run(["git", f"--git-dir={target}", "update-ref", "--stdin"], input=lines.encode(), capture_output=True, check=False,
                          env=git_environment(), timeout=_TIMEOUT)  # fmt: skip
    if done.returncode != 0:
        raise _not_restored(target, done.stderr.decode(errors="replace"))


def _git(argv: list[str]) -> None:
    result = run_git(argv, GitRun(timeout=_TIMEOUT))
    if result.code != 0:
        raise _not_restored(Path(argv[-1]), result.err)


def _not_restored(target: Path, said: str) -> Unavailable:
    return Unavailable("repository_not_restored", f"git could not restore {target.name}: {said[-300:]}", hint="Try again; see the reason.")
