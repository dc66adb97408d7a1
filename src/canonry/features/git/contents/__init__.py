"""The files of a hosted repository, without a work tree: read, compared, committed, merged, and what became of them.

Everything here works on the bare repository. A file's `sha` is git's blob id; a write names the one it was made from, and is refused when
somebody else was quicker.
"""

from canonry.features.git.contents.checking import is_checked, may_be_checked, spec_check, verdict_on
from canonry.features.git.contents.history import Revision, file_history
from canonry.features.git.contents.merging import Merge, merge, merge_base
from canonry.features.git.contents.models import Author, Change, File, TreeFile, Written
from canonry.features.git.contents.reading import changes, content_at, file_at, files_at, list_branches, read_blobs
from canonry.features.git.contents.writing import commit_files, create_branch, delete_branch

__all__ = [
    "Author", "Change", "File", "Merge", "Revision", "TreeFile", "Written", "changes", "commit_files", "content_at", "create_branch",
    "delete_branch", "file_at", "file_history", "files_at", "is_checked", "list_branches", "may_be_checked", "merge", "merge_base",
    "read_blobs", "spec_check", "verdict_on",
]  # fmt: skip
