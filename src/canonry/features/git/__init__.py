"""Git repositories: hosted ones (smart HTTP), mirrors of outside ones, checkouts.

A project's own repository takes pushes and starts deployments; an outside repository is kept as a mirror, so that the next fetch is
fast. Either way a deployment asks for a `Commit` and gets its tree written into a folder.
"""

from canonry.features.git.checkouts import checkout, tree_of
from canonry.features.git.connection.models import Connection
from canonry.features.git.connection.service import access_to, connection_of, may_app_act, note_delivery, token_of, webhook_secret
from canonry.features.git.contents import (
    Author,
    Change,
    File,
    Revision,
    TreeFile,
    Written,
    changes,
    commit_files,
    content_at,
    create_branch,
    delete_branch,
    file_at,
    file_history,
    files_at,
    list_branches,
    read_blobs,
)
from canonry.features.git.contents.models import StaleFile
from canonry.features.git.hosted import branch_exists, head_of, hosted_repository, remove_repository, resolve_hosted
from canonry.features.git.mirrors import fetch_mirror, mirrors, remove_mirror
from canonry.features.git.models import Commit, RepositoryAccess
from canonry.features.git.pulls.schemas import pull_url
from canonry.features.git.pulls.service import open_one as propose_branch
from canonry.features.git.repositories.models import Repository
from canonry.features.git.repositories.rounds import RepositoryRounds
from canonry.features.git.repositories.service import find as find_repository
from canonry.features.git.repositories.service import get_any as get_repository
from canonry.features.git.repositories.service import look_again, note_commit
from canonry.features.git.repositories.service import page as repositories
from canonry.features.git.targets import Targets, targets_of

__all__ = [
    "Author", "Change", "Commit", "Connection", "File", "Repository", "RepositoryAccess", "RepositoryRounds", "Revision", "StaleFile",
    "Targets", "TreeFile", "Written", "access_to", "branch_exists", "changes", "checkout", "commit_files", "connection_of",
    "content_at", "create_branch", "delete_branch", "fetch_mirror", "file_at", "file_history", "files_at", "find_repository",
    "get_repository", "head_of", "hosted_repository", "list_branches", "look_again", "may_app_act", "mirrors", "note_commit",
    "note_delivery", "propose_branch", "pull_url", "read_blobs", "remove_mirror", "remove_repository", "repositories", "resolve_hosted",
    "targets_of", "token_of", "tree_of", "webhook_secret",
]  # fmt: skip
