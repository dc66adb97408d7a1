"""Git names and addresses: parsed once, then trusted. What these functions return can never become an option of git."""

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from canonry.core.errors import CanonryError, Invalid, Issue
from canonry.core.hosts import parse_host
from canonry.core.secret import Secret

_MAX_REF = 200
_MAX_URL = 2000
_FORBIDDEN_IN_REF = frozenset(" ~^:?*[\\\x7f")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_OWNER_AND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_.-]{1,100}")
_SCP_LIKE = re.compile(r"[^/\s]+:(?!//).*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_PATH = re.compile(r"/[A-Za-z0-9_.~%!$&'()*+,;=:@/-]+")


@dataclass(frozen=True)
class Ref:
    """A branch, a tag, a commit (full, or at least 7 digits) or a whole name like `refs/pull/7/head`; `HEAD` is the default branch."""

    name: str

    @property
    def commit(self) -> str | None:
        """The full commit id in lower case when this is one, else None."""
        lower = self.name.lower()
        return lower if _COMMIT.fullmatch(lower) else None

    @property
    def may_be_short_commit(self) -> bool:
        """True when this could be the beginning of a commit id."""
        return _SHORT_COMMIT.fullmatch(self.name.lower()) is not None

    @property
    def full_names(self) -> tuple[str, ...]:
        """The whole names this can mean, in the order to try them: a branch wins over a tag."""
        if self.name == "HEAD" or self.name.startswith("refs/"):
            return (self.name,)
        return (f"refs/heads/{self.name}", f"refs/tags/{self.name}")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class RepositoryUrl:
    """The address of a repository. text: without credentials, fit for logs and for git's command line.

    scheme: https, http, file or ssh (`ssh://git@host/path`, or git's own `git@host:path`).
    credential: `user:password` from the address, for a request header only.
    """

    text: str
    scheme: str
    credential: Secret | None = None

    @property
    def key(self) -> str:
        """64 hex digits that name this address together with its credential (who has another credential shares nothing)."""
        secret = self.credential.reveal() if self.credential else ""
        return hashlib.sha256(f"{self.text}\0{secret}".encode()).hexdigest()

    @property
    def place(self) -> str:
        """Host and path without what two addresses of one repository may differ in: scheme, user, port, `.git`, letter case."""
        rest = self.text.partition("://")[2] if "://" in self.text else self.text.replace(":", "/", 1)
        host, _, path = rest.rpartition("@")[2].partition("/")
        host = re.sub(r":\d+$", "", host)
        return f"{host}/{path.strip('/').removesuffix('.git')}".lower()

    def __str__(self) -> str:
        return self.text


def parse_ref(text: str, *, field: str = "ref") -> Ref:
    """Return the branch, tag, commit or whole ref name in `text`; `field` names the input in the issue.

    Rules: `git check-ref-format`, at most 200 characters, no leading hyphen. Raises: Invalid `invalid_ref`.
    """
    if fault := _fault_of_ref(text):
        raise Invalid(
            "invalid_ref", f"{_shown(text)} is not a branch, tag or commit: {fault}.",
            hint="Use a name like main, feature/login or v1.2, or a commit id of at least 7 digits.",
            issues=[Issue(field, fault, "git_ref")],
        )  # fmt: skip
    return Ref(text)


def parse_branch(text: str, *, field: str = "branch") -> str:
    """Return the branch name in `text` (`refs/heads/` taken off). Raises: Invalid `invalid_ref`."""
    name = parse_ref(text.removeprefix("refs/heads/"), field=field).name
    if name == "HEAD" or name.startswith("refs/") or _COMMIT.fullmatch(name.lower()):
        raise Invalid("invalid_ref", f"{name!r} cannot be the name of a branch.", hint="Use a branch name like main.",
                      issues=[Issue(field, "not a branch name", "git_ref")])  # fmt: skip
    return name


def parse_repository_url(text: str, *, allow_file: bool = False, allow_ssh: bool = False, field: str = "repo_url") -> RepositoryUrl:
    """Return the repository address in `text`; `owner/name` means GitHub.

    https:// anywhere, http:// on this machine only, file:// only with `allow_file`, ssh:// and git@host:path only with `allow_ssh` (they
    need a key). Credentials in the address are split off.
    Raises: Invalid `invalid_repository_url`, whose text never repeats a credential.
    """
    text = text.strip()
    if fault := _fault_of_text(text):
        raise _wrong_url(field, fault)
    if _OWNER_AND_NAME.fullmatch(text):
        return _github(text, field)
    if "://" not in text:
        if _SCP_LIKE.fullmatch(text) and "::" not in text:
            return _scp_like(text, field, allowed=allow_ssh)
        raise _wrong_url(field, "it has no scheme", "Use https://host/path.git, or owner/name for GitHub.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _wrong_url(field, "it is not a URL") from error
    if parts.scheme == "ssh":
        return _ssh(parts, port, field, allowed=allow_ssh)
    return _from_parts(parts, port, field, allow_file=allow_file)


def _fault_of_ref(text: str) -> str:
    components = text.split("/")
    faults = {
        "it is empty": not text,
        f"it is longer than {_MAX_REF} characters": len(text) > _MAX_REF,
        "it begins with a hyphen": text.startswith("-"),
        "it has a control character or a character that cannot be shown": not text.isprintable(),
        "it has a space or one of ~ ^ : ? * [ \\": not _FORBIDDEN_IN_REF.isdisjoint(text),
        "it has '..' or '@{', or is '@'": ".." in text or "@{" in text or text == "@",
        "it ends with a full stop": text.endswith("."),
        "a part between slashes is empty": "" in components,
        "a part between slashes begins with a full stop or ends with .lock":
            any(part.startswith(".") or part.endswith(".lock") for part in components),
    }  # fmt: skip
    return next((fault for fault, present in faults.items() if present), "")


def _fault_of_text(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > _MAX_URL:
        return f"it is longer than {_MAX_URL} characters"
    if not text.isprintable() or " " in text or "\\" in text or not text.isascii():
        return "it has a space, a backslash, or a character outside printable ASCII"
    return "it begins with a hyphen" if text.startswith("-") else ""


def _github(text: str, field: str) -> RepositoryUrl:
    owner, _, name = text.partition("/")
    name = name.removesuffix(".git")
    if not name.strip("."):
        raise _wrong_url(field, "the repository has no name")
    return RepositoryUrl(f"https://github.com/{owner}/{name}.git", "https")


def _from_parts(parts: SplitResult, port: int | None, field: str, *, allow_file: bool) -> RepositoryUrl:
    if parts.scheme not in {"https", "http", "file"} or (parts.scheme == "file" and not allow_file):
        raise _wrong_url(field, f"{parts.scheme}:// is not accepted here")
    if parts.query or parts.fragment:
        raise _wrong_url(field, "it has a ? or #")
    path = _path(parts.path, field)
    if parts.scheme == "file":
        if parts.netloc not in {"", "localhost"}:
            raise _wrong_url(field, "a file:// address names no host")
        return RepositoryUrl(f"file://{path}", "file")
    host, is_loopback = _host(parts.hostname or "", field)
    if parts.scheme == "http" and not is_loopback:
        raise _wrong_url(
            field, "http:// is accepted for this machine only, because anybody on the way could change the code", "Use https://."
        )
    where = f"{host}:{port}" if port else host
    credential = Secret(unquote(parts.netloc.rpartition("@")[0])) if "@" in parts.netloc else None
    return RepositoryUrl(f"{parts.scheme}://{where}{path}", parts.scheme, credential)


def _path(text: str, field: str) -> str:
    plain = unquote(text)
    if not _PATH.fullmatch(text) or not plain.strip("/") or ".." in plain.split("/") or not plain.isprintable():
        raise _wrong_url(field, "the path does not name a repository")
    return text.rstrip("/")


def _scp_like(text: str, field: str, *, allowed: bool) -> RepositoryUrl:
    where, _, path = text.partition(":")
    user, _, name = where.rpartition("@")
    _check_ssh(user, field, allowed=allowed)
    host, _ = _host(name, field)
    kept = _path(f"/{path}", field)[1:]
    if kept.startswith("-") or (kept.startswith("/") and not user):  # `C:/x` is somebody's disk
        raise _wrong_url(field, "the path does not name a repository")
    return RepositoryUrl(f"{user or 'git'}@{host}:{kept}", "ssh")


def _ssh(parts: SplitResult, port: int | None, field: str, *, allowed: bool) -> RepositoryUrl:
    user, _, _ = parts.netloc.rpartition("@")
    _check_ssh(user, field, allowed=allowed)
    if parts.query or parts.fragment:
        raise _wrong_url(field, "it has a ? or #")
    host, _ = _host(parts.hostname or "", field)
    where = f"{host}:{port}" if port else host
    return RepositoryUrl(f"ssh://{user or 'git'}@{where}{_path(parts.path, field)}", "ssh")


def _check_ssh(user: str, field: str, *, allowed: bool) -> None:
    if not allowed:
        raise _wrong_url(field, "an SSH address needs a deploy key", "Connect it with `canonry git connect`, or use its https:// address.")
    if user and not _USER.fullmatch(user):
        raise _wrong_url(field, "the user name has characters that are not accepted; a password is never part of an SSH address")


def _host(text: str, field: str) -> tuple[str, bool]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        try:
            host = parse_host(text)
        except CanonryError as error:
            raise _wrong_url(field, "the host is not a host name") from error
        return host, host == "localhost" or host.endswith(".localhost")
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise _wrong_url(field, "that address is not a server's")
    return (f"[{address}]" if address.version == 6 else str(address)), address.is_loopback


def _wrong_url(field: str, fault: str, hint: str = "Use https://host/path.git, or owner/name for GitHub.") -> Invalid:
    return Invalid("invalid_repository_url", f"This is not the address of a repository: {fault}.", hint=hint,
                   issues=[Issue(field, fault, "repository_url")])  # fmt: skip


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
