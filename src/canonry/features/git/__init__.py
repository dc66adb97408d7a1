"""Git repositories: hosted ones (smart HTTP), mirrors of outside ones, checkouts.

A project's own repository takes pushes and starts deployments; an outside repository is kept as a mirror, so that the next fetch is
fast. Either way a deployment asks for a `Commit` and gets its tree written into a folder.
"""

from canonry.features.git.checkouts import checkout, tree_of
from canonry.features.git.hosted import branch_exists, head_of, hosted_repository, remove_repository, resolve_hosted
from canonry.features.git.mirrors import fetch_mirror
from canonry.features.git.models import Commit

__all__ = ["Commit", "branch_exists", "checkout", "fetch_mirror", "head_of", "hosted_repository", "remove_repository", "resolve_hosted",
           "tree_of"]  # fmt: skip
