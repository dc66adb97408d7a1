"""What the git feature talks about."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from canonry.core.refs import RepositoryUrl
from canonry.core.secret import Secret


@dataclass(frozen=True)
class Commit:
    """One commit. sha, tree: full ids. message: whole text, without the trailing newline. author: `Name <address>`."""

    sha: str
    tree: str
    message: str
    author: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True)
class RepositoryAccess:
    """What a private repository is read with. url: the address it is for. token: over https, alone or as `user:token`; key: over SSH.

    known_hosts: pinned keys of SSH servers. pin: called with them when a server was met for the first time.
    """

    url: str
    project_id: str
    token: Secret | None
    key: Secret | None
    known_hosts: str
    pin: Callable[[str], None]

    def is_for(self, address: RepositoryUrl) -> bool:
        """Say whether it may be shown to the server of this address: the very repository, or another (a submodule) on the same server."""
        if address.text == self.url:
            return True
        mine, theirs = urlsplit(self.url), urlsplit(address.text)
        return self.token is not None and (mine.scheme, mine.netloc) == (theirs.scheme, theirs.netloc)

    def mirror_of(self, address: RepositoryUrl) -> str:
        """Return the name of the mirror of an address that only this project may read from."""
        return f"{self.project_id}-{hashlib.sha256(address.text.encode()).hexdigest()[:32]}"

    @property
    def basic(self) -> Secret | None:
        """The token as `user:password`; hosts of repositories take any user name beside a token."""
        if self.token is None or ":" in self.token.reveal():
            return self.token
        return Secret(f"x-access-token:{self.token.reveal()}")
