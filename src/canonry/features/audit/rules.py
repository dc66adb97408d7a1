"""What an event is called for people: its kind and its one sentence."""

from collections.abc import Mapping
from typing import Any

from canonry.features.audit.models import Recorded

_KINDS: Mapping[str, tuple[str, ...]] = {
    "deploy": ("deployment", "preview", "release"),
    "domain": ("domain", "alias", "certificate", "host"),
    "database": ("database",),
    "storage": ("storage", "volume"),
    "git": ("git", "repository", "push", "pull_request"),
    "config": ("project", "variable", "variables", "env", "drain", "log_drain", "webhook", "notifications", "schedule"),
    "key": ("token", "key", "credentials", "auth", "session", "sign_in"),
    "alert": ("alert", "incident"),
    "backup": ("backup", "restore"),
}
KINDS = (*_KINDS, "system")
_LABELS = ("slug", "hostname", "host", "key", "handle", "email", "name")


def words_of(kind: str) -> tuple[str, ...] | None:
    """Return the first words of the names of this kind; None for `system`, which is what no other kind has."""
    return _KINDS.get(kind)


def all_words() -> tuple[str, ...]:
    """Return the first words of the names of every kind but `system`."""
    return tuple(word for words in _KINDS.values() for word in words)


def kind_of(name: str) -> str:
    """Return the kind of an event by the first word of its name."""
    word = name.partition(".")[0]
    return next((kind for kind, words in _KINDS.items() if word in words), "system")


def summary_of(event: Recorded) -> str:
    """Return one line for people: `project scaled: shop (instances 1 → 3)`."""
    line = event.name.replace(".", " ").replace("_", " ")
    label = _label(event)
    changed = _changed(event.before or {}, event.after or {})
    return line + (f": {label}" if label else "") + (f" ({changed})" if changed else "")


def _label(event: Recorded) -> str:
    for facts in (event.after, event.before, event.payload):
        for name in _LABELS:
            if facts and isinstance(value := facts.get(name), str) and value:
                return value
    if event.slug is not None:
        return event.slug
    for facts in (event.after, event.before):
        if facts and isinstance(url := facts.get("url"), str):
            return url
    ids = [value for name, value in event.payload.items() if name.endswith("_id") and name != "organization_id" and isinstance(value, str)]
    return ids[-1] if ids else ""


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    changes = [f"{name} {_short(before[name])} → {_short(after[name])}" for name in before if name in after and before[name] != after[name]]
    return ", ".join(changes[:3]) + (", …" if len(changes) > 3 else "")


def _short(value: object) -> str:
    text = "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
