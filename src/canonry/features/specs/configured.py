"""What CANON.yaml of a commit says."""

from pathlib import Path

from canonry.core.errors import TooLarge
from canonry.features import git
from canonry.features.specs import configuration
from canonry.features.specs.configuration import Configuration


def configured(folder: Path, ref: str) -> Configuration:
    """Return what CANON.yaml of a commit or branch says, the defaults without one; nothing in the file makes this fail.

    Raises: NotFound `ref_not_found`, `no_repository`; Invalid `invalid_ref`.
    """
    for name in configuration.NAMES:
        try:
            content = git.content_at(folder, ref, name)
        except TooLarge:
            return configuration.unread(name)
        if content is not None:
            return configuration.read(name, content)
    return configuration.default()
