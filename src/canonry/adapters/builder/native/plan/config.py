"""canonry.toml: what its keys are, and reading them strictly. docs/guides/canonry-toml.md explains each (a test compares)."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.tree import SourceTree, Table
from canonry.adapters.builder.native.plan.volumes import read_volumes
from canonry.ports.builder import DeclaredVolume

FILE = "canonry.toml"
PROVIDERS = ("static", "python", "node", "deno", "go", "shell")
_PROCESS_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LONGEST_COMMAND = 8192
_LONGEST_VALUE = 32768
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class ProjectFile:
    """A canonry.toml as it was written; what it does not say is None or empty. Keys are `build.python`, `run.start` and so on."""

    values: dict[str, str | int | bool | tuple[str, ...]] = field(default_factory=dict)
    processes: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    volumes: tuple[DeclaredVolume, ...] = ()


def read_project_file(tree: SourceTree) -> ProjectFile:
    """Read canonry.toml at the top of `tree`; an absent file says nothing. Raises: Invalid `invalid_config` naming the key."""
    data = tree.toml(FILE)
    place = tree.shown(FILE)
    _refuse_unknown(place, "section", data, {"build", "run", "processes", "env", "database", "volumes"})
    values: dict[str, str | int | bool | tuple[str, ...]] = {}
    for section in ("build", "run", "database"):
        known = {key.partition(".")[2] for key in KEYS if key.startswith(f"{section}.")}
        entries = _section(place, data, section)
        _refuse_unknown(place, f"key in [{section}]", entries, known)
        for key, value in entries.items():
            values[f"{section}.{key}"] = KEYS[f"{section}.{key}"](f"{place} {section}.{key}", value)
    processes = _section(place, data, "processes")
    variables = _section(place, data, "env")
    return ProjectFile(
        values,
        {check_process(f"{place} [processes]", name): check_command(f"{place} processes.{name}", cmd) for name, cmd in processes.items()},
        {_check_variable_name(place, name): _variable(f"{place} env.{name}", value) for name, value in variables.items()},
        read_volumes(place, data.get("volumes")),
    )


def check_process(place: str, name: str) -> str:
    """Return a process name that is fit to be one. Raises: Invalid `invalid_config`."""
    if not _PROCESS_NAME.fullmatch(name):
        raise invalid_config(
            place, f"names a process {name[:60]!r}", "Use lower-case letters, digits, - and _, a letter first, at most 31."
        )
    return name


def check_command(place: str, value: object) -> str:
    """Return a command line without the spaces around it. Raises: Invalid `invalid_config` for an empty or unprintable one."""
    if not isinstance(value, str) or not value.strip():
        raise invalid_config(place, "is not a command", 'Write it as a string: "npm run build". Leave the key out when nothing is to run.')
    if "\0" in value or len(value) > _LONGEST_COMMAND:
        raise invalid_config(place, "holds a NUL byte or more than 8,192 characters", "Put long commands into a script and call it.")
    return value.strip()


def check_folder(place: str, value: object) -> str:
    """Return a path that stays inside the source, in its plain form. Raises: Invalid `invalid_config`."""
    if not isinstance(value, str) or "\0" in value or "\\" in value or value.startswith(("/", "~")) or ".." in PurePosixPath(value).parts:
        raise invalid_config(place, f"is not a folder inside the source: {str(value)[:80]!r}", "Write it relative to the source, with /.")
    return str(PurePosixPath(value))


def check_file(place: str, value: object) -> str:
    """Return the path of a file inside the source, in its plain form. Raises: Invalid `invalid_config`."""
    path = check_folder(place, value)
    if path == ".":
        raise invalid_config(place, "is not a file inside the source", "Write its path relative to the source, with /.")
    return path


def check_health_path(place: str, value: object) -> str:
    """Return a path of a URL. Raises: Invalid `invalid_config`."""
    if not isinstance(value, str) or not re.fullmatch(r"/[!-~]{0,1023}", value):
        raise invalid_config(place, "is not a path of a URL", "Begin it with / and percent-encode spaces: /healthz.")
    return value


def check_version(place: str, value: object) -> str:
    """Return a version request as text. Raises: Invalid `invalid_config` (a number lost its zero: 3.10 is 3.1)."""
    if not isinstance(value, str) or not value.strip():
        raise invalid_config(place, "is not a string", 'Write the version in quotes, "3.12": a number would lose a final zero.')
    return value.strip()


def _section(place: str, data: Table, name: str) -> dict[str, object]:
    value = data.get(name, {})
    if not isinstance(value, dict):
        raise invalid_config(f"{place} {name}", "is not a section", f"Write it as [{name}] with keys below.")
    return value


def _refuse_unknown(place: str, kind: str, entries: Table, known: set[str]) -> None:
    for key in entries:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.5)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise invalid_config(place, f"has an unknown {kind}: {key[:60]}", f"{meant}Known: {', '.join(sorted(known))}.")


def check_provider(place: str, value: object) -> str:
    """Return the name of a provider. Raises: Invalid `invalid_config`, naming all of them."""
    if value not in PROVIDERS:
        raise invalid_config(place, f"is not a provider: {str(value)[:60]!r}", f"Choose one of {', '.join(PROVIDERS)}.")
    return str(value)


def _flag(place: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid_config(place, "is not true or false", "Write true or false, without quotes.")
    return value


def _port(place: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _HIGHEST_PORT:
        raise invalid_config(place, "is not a port", "Write a whole number from 1 to 65535, or leave it out and listen on $PORT.")
    return value


def _folders(place: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise invalid_config(place, "is not a list", 'Write it as [".cache", "build/cache"].')
    return tuple(check_folder(place, item) for item in value)


def _check_variable_name(place: str, name: str) -> str:
    if not _VARIABLE_NAME.fullmatch(name):
        raise invalid_config(
            f"{place} [env]", f"has a name that is no variable: {name[:60]!r}", "Use letters, digits and _, no digit first."
        )
    if name == "PORT":
        raise invalid_config(f"{place} env.PORT", "cannot be set", "Canonry chooses $PORT; an app that insists on one says so in run.port.")
    return name


def _variable(place: str, value: object) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > _LONGEST_VALUE:
        raise invalid_config(place, "is not a string", "Write the value in quotes; secrets belong into the project's variables instead.")
    return value


def _query(place: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > _LONGEST_COMMAND:
        raise invalid_config(place, "is not a query", 'Write it as a string: "select count(*) > 0 from users".')
    return value.strip()


KEYS: dict[str, Callable[[str, object], str | int | bool | tuple[str, ...]]] = {
    "build.provider": check_provider,
    "build.install": check_command,
    "build.build": check_command,
    "build.output": check_folder,
    "build.root_dir": check_folder,
    "build.single_page": _flag,
    "build.python": check_version,
    "build.node": check_version,
    "build.caches": _folders,
    "run.start": check_command,
    "run.release": check_command,
    "run.port": _port,
    "run.health_path": check_health_path,
    "database.mask": check_file,
    "database.assert": _query,
}
"""Every key of [build], [run] and [database], with the function that checks its value. [processes] and [env] take any names."""
