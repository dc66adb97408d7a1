"""Where packages come from: what this machine's user has configured for pip, uv and npm, brought into the sandbox read-only."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from canonry.core.settings import child_environment
from canonry.infra.sandbox import Bind

HOME_INSIDE = "/home/app"
_USER_FILES = (".npmrc", ".yarnrc", ".yarnrc.yml", ".pip/pip.conf", ".config/pip/pip.conf", ".config/uv/uv.toml")
_SYSTEM_FILES = ("/etc/pip.conf", "/etc/uv/uv.toml")
_NPM_SYSTEM_FILES = ("/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/npmrc")
_SEEN_ANYWAY = ("/usr", "/etc", "/proc", "/dev", "/tmp", "/lib", "/bin", "/sys", "/app", "/env")  # noqa: S108 -- paths of the sandbox
_OURS = ("CACHE", "_DIR", "PREFIX", "PYTHON", "PROJECT", "TOOL", "CONFIG_FILE", "USERCONFIG", "GLOBALCONFIG")
_LOCAL = re.compile(r"(?:file://|(?<![:\w/]))(/[\w.+@%-]+(?:/[\w.+@%-]+)*)")


def index_environment() -> dict[str, str]:
    """Return the variables that tell package managers inside about indexes, proxies and certificates."""
    outside = child_environment()
    kept = {name: value for name, value in outside.items() if not any(word in name.upper() for word in _OURS)}
    kept |= {name: value for name, value in outside.items() if name.startswith("SSL_CERT_")}
    if system := next((path for path in _NPM_SYSTEM_FILES if Path(path).is_file()), None):
        kept["NPM_CONFIG_GLOBALCONFIG"] = system  # npm looks for it under its own prefix, which is a toolchain of ours
    return {name: value for name, value in kept.items() if name not in {"PATH", "HOME"}}


def index_binds() -> list[Bind]:
    """Return binds of the user's configuration files, and of local folders and files that those or the variables name as a source."""
    outside = child_environment()
    home = Path(outside["HOME"])
    files = {home / name: f"{HOME_INSIDE}/{name}" for name in _USER_FILES if (home / name).is_file()}
    binds = [Bind(path.resolve(), target) for path, target in files.items()]
    texts = [_read(path) for path in (*files, *map(Path, _SYSTEM_FILES))]
    named = {path for text in (*texts, *_values(outside)) for path in _local_paths(text)}
    return binds + [Bind(Path(path), path) for path in sorted(named) if not any(path.startswith(f"{parent}/") for parent in named)]


def _values(outside: Mapping[str, str]) -> Iterator[str]:
    wanted = ("INDEX", "FIND_LINKS", "CERT", "CA_BUNDLE", "REGISTRY", "CAFILE")
    for name, value in outside.items():
        if any(word in name.upper() for word in wanted) and "://" not in value.replace("file://", ""):
            yield value


def _local_paths(text: str) -> Iterator[str]:
    for match in _LOCAL.finditer(text):
        path = Path(match[1])
        if len(path.parts) > 2 and not match[1].startswith(tuple(f"{seen}/" for seen in _SEEN_ANYWAY)) and path.exists():
            yield match[1]


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", ";")))
