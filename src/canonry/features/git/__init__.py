"""Git repositories: hosted ones (smart HTTP), mirrors of outside ones, checkouts.

A project's own repository takes pushes and starts deployments; an outside repository is kept as a mirror, so that the next fetch is
fast. Either way a deployment asks for a `Commit` and gets its tree written into a folder.
"""

from canonry.features.git.checkouts import checkout, tree_of
from canonry.features.git.connection.models import Connection
from canonry.features.git.connection.service import access_to, connection_of, note_delivery, token_of, webhook_secret
from canonry.features.git.hosted import branch_exists, head_of, hosted_repository, remove_repository, resolve_hosted
from canonry.features.git.mirrors import fetch_mirror, mirrors, remove_mirror
from canonry.features.git.models import Commit, RepositoryAccess
from canonry.features.git.repositories.models import Repository
from canonry.features.git.repositories.rounds import RepositoryRounds
from canonry.features.git.repositories.service import find as find_repository
from canonry.features.git.repositories.service import get_any as get_repository
from canonry.features.git.repositories.service import look_again
from canonry.features.git.repositories.service import page as repositories

__all__ = [
    "Commit", "Connection", "Repository", "RepositoryAccess", "RepositoryRounds", "access_to", "branch_exists", "checkout",
    "connection_of", "fetch_mirror", "find_repository", "get_repository", "head_of", "hosted_repository", "look_again", "mirrors",
    "note_delivery", "remove_mirror", "remove_repository", "repositories", "resolve_hosted", "token_of", "tree_of", "webhook_secret",
]  # fmt: skip
