"""What a key, a value and an environment may be, and which of several values wins."""

import hmac
import re
from collections.abc import Iterable, Sequence

from canonry.core.errors import Invalid, Issue
from canonry.core.refs import parse_branch
from canonry.features.env.models import ALL, Variable

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_KEY = 200
LONGEST_VALUE = 64 << 10
MOST_VARIABLES = 1000  # of one project; all of them together must fit into what a program can be started with
MOST_BYTES = 1 << 20
MASK = "••••••••"
_KEY_FORM = "letters, digits and _, no digit first, at most 200"
_RESERVED = frozenset({"PORT", "PATH", "HOME", "PWD", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "DENO_DIR"})
_OWN_PREFIX = "CANONRY_"
_PREVIEW = "preview"
_DIGEST_LENGTH = 12


def is_reserved(key: str) -> bool:
    """Say whether Canonry itself sets that variable."""
    return key in _RESERVED or key.upper().startswith(_OWN_PREFIX)


def check_key(key: str, path: str) -> str:
    """Return `key` when it can be set. Raises: Invalid `invalid_key`, `reserved_key`, naming `path`."""
    if not KEY.fullmatch(key) or len(key) > LONGEST_KEY:
        raise Invalid("invalid_key", f"{key[:60]!r} cannot be the name of a variable: {_KEY_FORM}.", hint="Use a name like API_KEY.",
                      issues=[Issue(path, _KEY_FORM, "pattern")])  # fmt: skip
    if is_reserved(key):
        raise Invalid("reserved_key", f"{key} is set by Canonry itself.", hint="Choose another name; the app finds its port in $PORT.",
                      issues=[Issue(path, "is set by Canonry itself", "reserved")])  # fmt: skip
    return key


def check_value(key: str, value: str, path: str) -> str:
    """Return `value` when it can be given to a program. Raises: Invalid `invalid_value`, which never repeats it."""
    fault = ""
    if "\0" in value:
        fault = "must not contain a NUL character"
    elif any("\ud800" <= letter <= "\udfff" for letter in value):
        fault = "must be Unicode text without lone surrogates"
    elif len(value.encode()) > LONGEST_VALUE:
        fault = f"must not be longer than {LONGEST_VALUE >> 10} KiB"
    elif value and not value.strip("•"):
        fault = "is the mask of a secret, not its value"
    if fault:
        raise Invalid("invalid_value", f"The value of {key[:60]!r} {fault}.", hint="Send the value itself; large things belong into files.",
                      issues=[Issue(path, fault, "value")])  # fmt: skip
    return value


def parse_environment(text: str, path: str) -> str:
    """Return the environment in `text`: `production`, `preview`, `preview/<branch>` or `all`. Raises: Invalid `invalid_environment`."""
    if text in {"production", _PREVIEW, ALL}:
        return text
    kind, slash, branch = text.partition("/")
    if kind != _PREVIEW or not slash:
        raise Invalid("invalid_environment", f"There is no environment {text[:60]!r}.",
                      hint="Use production, preview, preview/<branch> or all.",
                      issues=[Issue(path, "must be production, preview, preview/<branch> or all", "environment")])  # fmt: skip
    return f"{_PREVIEW}/{parse_branch(branch, field=path)}"


def sources_of(environment: str) -> Sequence[str]:
    """Return whose variables an environment gets, the weakest first: those of all, of its kind, its own."""
    kinds = [_PREVIEW] if environment.startswith(f"{_PREVIEW}/") else []
    return list(dict.fromkeys([ALL, *kinds, environment]))


def effective(variables: Iterable[Variable], environment: str) -> list[Variable]:
    """Return the variables that count in an environment, by key; of several with one key the one nearest to it."""
    rank = {name: place for place, name in enumerate(sources_of(environment))}
    chosen: dict[str, Variable] = {}
    for variable in sorted((item for item in variables if item.environment in rank), key=lambda item: rank[item.environment]):
        chosen[variable.key] = variable
    return [chosen[key] for key in sorted(chosen)]


def digest_of(key: bytes, project_id: str, value: str) -> str:
    """Return a short digest: equal for equal values of a project, and nothing that a value could be guessed with."""
    return hmac.digest(key, f"{project_id}\0{value}".encode(), "sha256").hex()[:_DIGEST_LENGTH]
