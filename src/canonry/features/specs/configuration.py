"""CANON.yaml of a repository, as the index needs it: which files are specs, and what is shown of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from canonry.specs.config import NAMES, Config, read_config, too_long
from canonry.specs.globs import Glob

__all__ = ["NAMES", "Configuration", "default", "read", "unread"]


@dataclass(frozen=True)
class Configuration:
    """config: what it says. file: where it stood, None when the defaults count. shown: it, as the API shows it."""

    config: Config
    file: str | None
    shown: Mapping[str, Any]
    diagnostics: list[dict[str, Any]]
    _globs: tuple[Glob, ...]

    def is_spec(self, path: str) -> bool:
        """Say whether a file is a spec: it lies where CANON.yaml says, and its name does not start with `_`."""
        return not path.rpartition("/")[2].startswith("_") and any(glob.matches(path) for glob in self._globs)


def read(name: str, content: bytes) -> Configuration:
    """Return what the file says. Never raises: what is wrong in it is in `diagnostics`."""
    return _made(read_config(content), name)


def unread(name: str) -> Configuration:
    """Return what counts beside a file that is too long to be read."""
    return _made(too_long(), name)


def default() -> Configuration:
    """Return what counts without a file."""
    return _made(Config(), None)


def _made(config: Config, file: str | None) -> Configuration:
    shown = {key: value for key, value in asdict(config).items() if key not in {"diagnostics", "auth_profiles"}}
    diagnostics = [{**asdict(found), "severity": str(found.severity), "file": file} for found in config.diagnostics]
    return Configuration(config, file, shown, diagnostics, tuple(Glob(text) for text in config.specs.doc_paths))
