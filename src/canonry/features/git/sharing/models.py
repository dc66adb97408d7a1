"""A project's link to a repository that is not its own."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Link:
    """What a project is deployed from. full_name: `owner/name` of the repository. auto_deploy: whether a push deploys it."""

    project_id: str
    repository_id: str
    full_name: str
    auto_deploy: bool
    connected_at: datetime


@dataclass(frozen=True)
class Member:
    """A project that a repository deploys. is_owner: the repository is its own. auto_deploy: whether a push deploys it."""

    project_id: str
    slug: str
    is_owner: bool
    auto_deploy: bool
