"""Submodules: which repositories a commit wants inside its tree, read from `.gitmodules` with nothing of it believed."""

import posixpath
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from canonry.core.errors import Invalid, Issue
from canonry.core.refs import parse_repository_url
from canonry.infra.git import GitRun, run_git

MAX_DEPTH = 5
MAX_SUBMODULES = 200


@dataclass(frozen=True)
class Submodule:
    """One submodule: where its files go (below the checkout's root), its address as text, and the commit wanted (full id)."""

    path: bytes
    url: str
    commit: str


def find_submodules(repository: Path, commit: str, links: dict[bytes, str], base: str | None) -> list[Submodule]:
    """Return the submodules of `commit`. links: path below the repository's root → commit wanted. base: what relative addresses start at.

    A link that `.gitmodules` does not mention is no submodule. Raises: Invalid `unsafe_submodule`.
    """
    if not links:
        return []
    if len(links) > MAX_SUBMODULES:
        raise _unsafe("(all)", f"there are more than {MAX_SUBMODULES}")
    result = run_git([f"--git-dir={repository}", "config", "--blob", f"{commit}:.gitmodules", "--list", "-z"], GitRun(timeout=30))
    if result.code != 0:
        return []
    found = []
    for name, settings in _sections(result.out).items():
        path, url = settings.get("path", b""), settings.get("url", b"").decode(errors="replace")
        if path.rstrip(b"/") not in links:
            continue
        _check_name(name)
        found.append(Submodule(path.rstrip(b"/"), resolve_url(name, url, base), links[path.rstrip(b"/")]))
    return found


def resolve_url(name: str, url: str, base: str | None) -> str:
    """Return the address of a submodule; `./` and `../` start at `base`. Raises: Invalid `unsafe_submodule`."""
    if not url or url.startswith("-"):
        raise _unsafe(name, "its address is missing or begins with a hyphen")
    if not url.startswith(("./", "../")):
        return _https_instead_of_ssh(url)
    if base is None:
        raise _unsafe(name, "its address is relative, and a pushed repository has none to start from", "Write the whole https:// address.")
    parts = urlsplit(parse_repository_url(base, allow_file=True).text)
    path = posixpath.normpath(posixpath.join(parts.path, url))
    if path.count("/") < 1 or path == "/" or url.count("../") > parts.path.count("/"):
        raise _unsafe(name, "its address leads above the host")
    netloc = urlsplit(base).netloc  # with the credential of the repository itself: the address stays on the same host
    return f"{parts.scheme}://{netloc}{path}"


def _https_instead_of_ssh(url: str) -> str:
    """Public repositories often name their submodules by SSH; the same host answers over https."""
    for host in ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org"):
        for prefix in (f"git@{host}:", f"ssh://git@{host}/", f"git://{host}/"):
            if url.startswith(prefix):
                return f"https://{host}/{url.removeprefix(prefix)}"
    return url


def _sections(listing: bytes) -> dict[str, dict[str, bytes]]:
    sections: dict[str, dict[str, bytes]] = {}
    for item in listing.split(b"\0"):
        key, _, value = item.partition(b"\n")
        words = key.decode(errors="replace").split(".")
        if len(words) >= 3 and words[0] == "submodule":
            sections.setdefault(".".join(words[1:-1]), {})[words[-1]] = value
    return sections


def _check_name(name: str) -> None:
    if not name or name.startswith("-") or not name.isprintable() or ".." in name.replace("\\", "/").split("/"):
        raise _unsafe(name, "its name is not allowed")


def _unsafe(name: str, fault: str, hint: str = "Correct .gitmodules.") -> Invalid:
    return Invalid("unsafe_submodule", f"The submodule {name[:80]!r} cannot be used: {fault}.", hint=hint,
                   issues=[Issue(".gitmodules", fault, "submodule")])  # fmt: skip
