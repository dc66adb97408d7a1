"""A connection as it is kept."""

from dataclasses import dataclass
from datetime import datetime

from canonry.core.secret import Secret
from canonry.core.settings import Settings


@dataclass(frozen=True)
class Connection:
    """How a project is connected. url: what the token or key belongs to; at another address of the project neither is used.

    has_token, public_key: how a private repository is read; at most one of the two. known_hosts: pinned keys of its SSH server.
    secret_at: since when the webhook secret is what it is. last_delivery_…: the last webhook whose signature was right.
    """

    project_id: str
    url: str
    auto_deploy: bool
    has_token: bool
    public_key: str | None
    known_hosts: str
    connected_at: datetime
    secret_at: datetime
    last_delivery_at: datetime | None
    last_delivery_event: str | None
    last_delivery_outcome: str | None


@dataclass(frozen=True)
class Wanted:
    """What somebody wants connected. repository: an address or owner/name. token: for a private one over https.

    root_dir: the folder of the project in it, None to leave it as it is.
    """

    repository: str
    branch: str
    auto_deploy: bool
    token: Secret | None
    settings: Settings
    root_dir: str | None = None
