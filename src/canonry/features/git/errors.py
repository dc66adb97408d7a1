"""What git says when it fails, as errors of ours."""

import re

from canonry.core.errors import CanonryError, Conflict, Invalid, Issue, NotFound, TooLarge, Unavailable
from canonry.core.refs import Ref, RepositoryUrl

_MISSING_REF = ("couldn't find remote ref", "could not find remote ref", "not our ref", "unadvertised object", "no such remote ref",
                "remote did not send all necessary objects")  # fmt: skip
_MISSING_REPOSITORY = (
    "not found",
    "returned error: 404",
    "does not appear to be a git repository",
    "does not exist",
    "repository not exported",
)
_LOGIN = ("could not read username", "could not read password", "authentication failed", "returned error: 401", "returned error: 403",
          "access denied", "terminal prompts disabled")  # fmt: skip
_NETWORK = ("could not resolve", "failed to connect", "couldn't connect", "connection refused", "connection reset", "connection timed out",
            "timed out", "too slow", "ssl", "certificate", "tls", "rpc failed", "early eof", "unexpected disconnect", "hung up",
            "returned error: 5", "returned error: 429", "empty reply", "recv failure", "send failure", "network is unreachable",
            "could not read from remote", "invalid index-pack output", "gnutls")  # fmt: skip
_TOO_LARGE = ("file too large", "file size limit", "exceeds maximum allowed size", "sigxfsz", "signal 25")
_UNSAFE = ("disallowed submodule", "gitmodules", "hasdotgit", "hasdotdot", "fsck error", "fullpathname")


def explain_fetch(err: str, code: int, url: RepositoryUrl, ref: Ref) -> CanonryError | None:
    """Return the error for a fetch that failed, None when its complaint points at our own copy rather than at the other side."""
    text = err.replace(url.text, "").lower()
    said = _first_complaint(err)
    if code == -25 or any(words in text for words in _TOO_LARGE):
        return TooLarge("repository_too_large", f"{url} is too large.", hint="Remove large files from its history, or upload a folder.")
    if any(words in text for words in _UNSAFE):
        hint = "Repair the repository's history; `git fsck` shows the object."
        return Invalid("unsafe_repository", f"{url} holds something unsafe: {said}", hint=hint, issues=[Issue("repo_url", said, "unsafe")])
    if any(words in text for words in _MISSING_REF):
        return missing_ref(url, ref)
    if url.scheme == "ssh" and (error := _explain_ssh(text, url)):
        return error
    if re.search(r"returned error: 30[1278]", text):
        return moved(url)
    if any(words in text for words in _LOGIN):
        return Invalid(
            "repository_needs_login", f"{url} cannot be read without a login.",
            hint="Check the address (hosts answer the same for a repository that does not exist). A private one needs a token or a deploy "
            "key (canonry git connect), or can be pushed to Canonry.",
            issues=[Issue("repo_url", "needs a login, or does not exist", "login")],
        )  # fmt: skip
    if any(words in text for words in _MISSING_REPOSITORY):
        return NotFound("repository_not_found", f"There is no repository at {url}.", hint="Check the address.")
    if any(words in text for words in _NETWORK):
        return Unavailable("repository_unreachable", f"{url} could not be reached: {said}", hint="Try again; check the address.")
    return None


def _explain_ssh(text: str, url: RepositoryUrl) -> CanonryError | None:
    if "host key" in text or "host identification" in text:
        return Invalid(
            "host_key_changed", f"The server of {url} shows another key than the one that was pinned.",
            hint="Somebody may stand between. When the server really has a new key, connect the repository again: canonry git connect.",
            issues=[Issue("repo_url", "the server's key has changed", "host_key")],
        )  # fmt: skip
    if "permission denied" in text or "repository access denied" in text:
        return Invalid(
            "repository_needs_login", f"{url} does not accept the deploy key of this project.",
            hint="Add the public half to the repository: canonry git deploy-key prints it.",
            issues=[Issue("repo_url", "does not accept the deploy key", "login")],
        )  # fmt: skip
    if "cannot run ssh" in text:
        return Unavailable(
            "ssh_missing", "ssh is not installed on this machine.", hint="Install openssh-client, or use an https:// address."
        )
    return None


def moved(url: RepositoryUrl) -> Invalid:
    """Return the error for a server that says the repository is elsewhere, and leads to another server."""
    return Invalid("repository_moved", f"{url} has moved to another address.", hint="Connect, or deploy, the address where it is now.",
                   issues=[Issue("repo_url", "has moved", "moved")])  # fmt: skip


def missing_ref(url: RepositoryUrl, ref: Ref) -> NotFound:
    """Return the error for a branch, tag or commit that the repository does not have."""
    if ref.name == "HEAD":
        return NotFound(
            "ref_not_found", f"{url} has no default branch: it may be empty.", hint="Name a branch, or push a first commit to it."
        )
    return NotFound(
        "ref_not_found", f"{url} has no branch, tag or commit {ref.name!r}.", hint="`git ls-remote` with that address lists them."
    )


def failed_fetch(url: RepositoryUrl, err: str) -> Unavailable:
    """Return the error for a fetch that failed for no reason we know, even into a fresh copy."""
    return Unavailable("repository_fetch_failed", f"{url} could not be fetched: {_first_complaint(err)}", hint="Try again.")


def stale_file(path: str, *, gone: bool) -> Conflict:
    """Return the error for a write to a file that somebody else wrote, or removed, meanwhile."""
    what = "was removed" if gone else "was changed by somebody else"
    return Conflict("stale_file", f"{path} {what} after you read it.", hint="Read it again and bring your change into what is there now.")


def _first_complaint(err: str) -> str:
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    chosen = next((line for line in lines if line.startswith(("fatal:", "error:", "remote:"))), lines[0] if lines else "git says nothing")
    return re.sub(r"://[^/@\s]+@", "://", chosen)[:300]
