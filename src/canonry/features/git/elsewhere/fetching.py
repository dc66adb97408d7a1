"""Fetching a repository that lives at a host into the bare repository that everything here reads."""

from collections.abc import Sequence
from pathlib import Path

from canonry.core.errors import CanonryError, Invalid
from canonry.core.refs import Ref, RepositoryUrl, parse_repository_url
from canonry.core.secret import Secret
from canonry.features.git.errors import explain_fetch, failed_fetch
from canonry.features.git.hosted import init_bare
from canonry.features.git.leftovers import remove_leftovers
from canonry.features.git.mirrors import hold_mirror
from canonry.features.git.targets import Targets, moved_to, way_to
from canonry.infra.files import remove_tree
from canonry.infra.git import GitRun, run_git

_BRANCHES = "+refs/heads/*:refs/heads/*"


def fetch_all(
    folder: Path, url: str, token: Secret, targets: Targets, *, limit_bytes: int, patience: float, also: Sequence[str] = ()
) -> None:
    """Bring all branches of `url` into the bare repository `folder`, which is made when it is not there; what is gone there goes here.

    patience: seconds for waiting, and for the fetch. also: further refs, kept below `refs/canonry/`. Waits for another fetch of the same. A
    copy that is damaged is fetched anew.
    Raises: as `mirrors.fetch_mirror`.
    """
    address = parse_repository_url(url)
    folder.parent.mkdir(parents=True, exist_ok=True)
    refspecs = [_BRANCHES, *(f"+{name}:{kept_as(name)}" for name in also)]
    with hold_mirror(folder, lambda _: None, patience=patience) as descriptor:
        if not folder.is_dir():
            init_bare(folder)
        remove_leftovers(folder)
        way = way_to(address, targets)
        how = GitRun(timeout=patience, transports=[address.scheme], limit_bytes=limit_bytes, config=way.config,
                     credential=Secret(f"x-access-token:{token.reveal()}"), credential_url=address.text, held=[descriptor])  # fmt: skip
        if (error := _fetch(folder, address, refspecs, how)) is None:
            return
        place = moved_to(address, targets, how.credential) if isinstance(error, Invalid) and error.code == "repository_moved" else None
        if place is not None:
            how = GitRun(timeout=how.timeout, transports=how.transports, limit_bytes=limit_bytes, config=way.config,
                         credential=how.credential, credential_url=place.text, held=how.held)  # fmt: skip
            error = _fetch(folder, place, refspecs, how)
        elif error.code == "repository_fetch_failed":
            remove_tree(folder)
            init_bare(folder)
            error = _fetch(folder, address, refspecs, how)
        if error is not None:
            raise error


def kept_as(name: str) -> str:
    """Return what a further ref, like `refs/pull/7/head`, is called here."""
    return f"refs/canonry/{name.removeprefix('refs/')}"


def _fetch(folder: Path, address: RepositoryUrl, refspecs: Sequence[str], how: GitRun) -> CanonryError | None:
    options = ["--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--quiet"]
    result = run_git([f"--git-dir={folder}", "fetch", *options, "--", address.text, *refspecs], how)
    if result.code == 0:
        return None
    return explain_fetch(result.err, result.code, address, Ref("HEAD")) or failed_fetch(address, result.err)
