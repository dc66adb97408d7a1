"""What a git that was killed leaves behind, and how it goes."""

import os
from pathlib import Path

from canonry.infra.files import remove_tree


def remove_leftovers(repository: Path) -> None:
    """Remove lock files, half-written packs and quarantines. The caller holds the lock under which every writer runs."""
    for path in repository.glob("*.lock"):
        path.unlink(missing_ok=True)
    for folder, _, names in os.walk(repository / "refs"):
        for name in names:
            if name.endswith(".lock"):
                (Path(folder) / name).unlink(missing_ok=True)
    objects = repository / "objects"
    for pattern in ("incoming-*", "tmp_objdir-*", "pack/tmp_*", "pack/.tmp-*", "pack/*.lock", "pack/*.keep"):
        for path in objects.glob(pattern):
            remove_tree(path)
