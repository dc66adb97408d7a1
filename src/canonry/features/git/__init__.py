"""Git repositories: hosted ones (smart HTTP), mirrors of outside ones, checkouts.

A project's own repository takes pushes and starts deployments; an outside repository is kept as a mirror, so that the next fetch is
fast. Either way a deployment asks for a `Commit` and gets its tree written into a folder.

A repository of specifications lies here or at GitHub; `save_file`, `start_branch` and `propose_branch` write to either.
"""

from canonry.features.git.checkouts import checkout, tree_of
from canonry.features.git.connection.models import Connection
from canonry.features.git.connection.service import access_to, connection_of, may_app_act, note_delivery, token_of, webhook_secret
from canonry.features.git.connection.store import note_seen, seen_commit
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
from canonry.features.git.context import Context
from canonry.features.git.elsewhere.models import Installation
from canonry.features.git.elsewhere.queue import FETCH
from canonry.features.git.elsewhere.service import author_of as author_elsewhere
from canonry.features.git.elsewhere.store import ensure_installation, installations
from canonry.features.git.elsewhere.sweep import fetch_stale
from canonry.features.git.hosted import branch_exists, head_of, hosted_repository, remove_repository, resolve_hosted
from canonry.features.git.mirrors import fetch_mirror, mirror_of, mirrors, remove_mirror
from canonry.features.git.models import Commit, RepositoryAccess
from canonry.features.git.pulls.either import open_one as propose_branch
from canonry.features.git.pulls.either import outcome as outcome_of_pull
from canonry.features.git.pulls.models import Outcome
from canonry.features.git.pulls.schemas import pull_url
from canonry.features.git.repositories.models import Repository
from canonry.features.git.repositories.schemas import file_url
from canonry.features.git.repositories.service import find as find_repository
from canonry.features.git.repositories.service import get_any as get_repository
from canonry.features.git.repositories.service import look_again, note_commit, require_own_unused
from canonry.features.git.repositories.service import look_at_all as look_at_repositories
from canonry.features.git.repositories.service import page as repositories
from canonry.features.git.repositories.store import hold as hold_repository
from canonry.features.git.saving import Save, drop_branch, save_file, start_branch
from canonry.features.git.sharing.models import Member
from canonry.features.git.sharing.rule import changed_paths, concerning, declares_workspace
from canonry.features.git.sharing.rule import folder_of as folder_in
from canonry.features.git.sharing.service import folder_of, is_shared
from canonry.features.git.sharing.service import members as members_of
from canonry.features.git.sharing.service import source_of as hosted_source
from canonry.features.git.targets import Targets, targets_of

__all__ = [
    "FETCH", "Author", "Change", "Commit", "Connection", "Context", "File", "Installation", "Member", "Outcome", "Repository",
    "RepositoryAccess", "Revision", "Save", "StaleFile", "Targets", "TreeFile", "Written", "access_to", "author_elsewhere",
    "branch_exists", "changed_paths", "changes", "checkout", "commit_files", "concerning", "connection_of", "content_at", "create_branch",
    "declares_workspace", "delete_branch", "drop_branch", "ensure_installation", "fetch_mirror", "fetch_stale", "file_at", "file_history",
    "file_url", "files_at", "find_repository", "folder_in", "folder_of", "get_repository", "head_of", "hold_repository",
    "hosted_repository", "hosted_source", "installations", "is_shared", "list_branches", "look_again", "look_at_repositories",
    "may_app_act", "members_of", "mirror_of", "mirrors", "note_commit", "note_delivery", "note_seen", "outcome_of_pull", "propose_branch",
    "pull_url", "read_blobs", "remove_mirror", "remove_repository", "repositories", "require_own_unused", "resolve_hosted", "save_file",
    "seen_commit", "start_branch", "targets_of", "token_of", "tree_of", "webhook_secret",
]  # fmt: skip
