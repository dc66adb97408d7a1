"""CANON.yaml: what it may say. A bad value is dropped with an error, an unknown key draws a warning, broken YAML gives the defaults."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from canonry.specs import yaml_text
from canonry.specs.globs import Glob, GlobFault
from canonry.specs.models import Diagnostic, Severity
from canonry.specs.yaml_text import Node, Scalar, Sequence

NAMES = ("CANON.yaml", "SPECWRIGHT.yaml")
"""The file's name at the root of the repository, and the older one, read when there is no CANON.yaml."""
TICKET_SYSTEMS = ("canonry", "jira", "linear", "github")
EXPOSURES = ("full", "metadata", "none")
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
_NO_EFFECT = (
    "slack_channel", "sre", "slack", "triage", "auth_profiles", "agents.pr_analysis", "agents.doc_updates", "agents.realization_check",
    "agents.stale_detection", "ide.auto_context", "ide.auto_verify", "ide.ai_exposure", "ide.evidence_pipeline", "auth_profile",
    "field_map.standard", "shadow_targets",
)  # fmt: skip
"""What the format knows and nothing of Canonry follows: it is kept and shown. Whoever sets it is told so, unless it is switched off."""
_DAYS = re.compile(r"\d{1,5}d")


@dataclass(frozen=True, slots=True)
class SpecRules:
    """Where specs lie, and how they go together with tickets. lifecycle_sync: `true`, `false` or `close_only`.

    check_pushes: what a repository gets (pushes to one hosted here, saves, merges) lands only when no changed spec has an error;
    warnings_as_errors: nor a warning.
    """

    doc_paths: tuple[str, ...] = ("docs/specs/*.md",)
    auto_tickets: bool = True
    require_review: bool = True
    lifecycle_sync: str = "true"
    check_pushes: bool = False
    warnings_as_errors: bool = False


@dataclass(frozen=True, slots=True)
class AgentRules:
    """What happens by itself. stale_detection: `30d`, or None for never."""

    pr_analysis: bool = True
    doc_updates: bool = True
    realization_check: bool = True
    stale_detection: str | None = "30d"


@dataclass(frozen=True, slots=True)
class ExposureRules:
    """What an assistant may see of a spec whose own frontmatter says nothing."""

    default: str = "full"
    restricted_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketSystem:
    """A tracker and how states and fields are called there. The maps are as they stand in the file."""

    name: str
    system: str
    project: str | None = None
    auth_profile: str | None = None
    status_map: Mapping[str, Any] = field(default_factory=dict)
    field_map: Mapping[str, Any] = field(default_factory=dict)
    hierarchy: Mapping[str, Any] = field(default_factory=dict)
    templates: Mapping[str, Any] = field(default_factory=dict)
    dedup_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of the routing: all that it names must fit (tags: one of them). is_default: it fits everything."""

    target: str
    shadow_targets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    team: str | None = None
    owner: str | None = None
    path: str | None = None
    is_default: bool = False

    def fits(self, *, path: str, tags: tuple[str, ...], team: str, owner: str) -> bool:
        """Return whether a spec takes this route. Case does not matter but in the path."""
        if self.is_default:
            return True
        lower = {tag.lower() for tag in tags}
        return not (
            (self.tags and not lower & {tag.lower() for tag in self.tags})
            or (self.team is not None and self.team.lower() != team.lower())
            or (self.owner is not None and self.owner.lower() != owner.lower())
            or (self.path is not None and not Glob(self.path).matches(path))
        )


@dataclass(frozen=True, slots=True)
class Config:
    """What CANON.yaml says, with defaults. rest: the parts that others read (ide, sre, slack, triage, extensions), as they stand."""

    team: str | None = None
    ticket_system: str | None = None
    project_key: str | None = None
    slack_channel: str | None = None
    specs: SpecRules = field(default_factory=SpecRules)
    agents: AgentRules = field(default_factory=AgentRules)
    ai_exposure: ExposureRules = field(default_factory=ExposureRules)
    ticket_systems: Mapping[str, TicketSystem] = field(default_factory=dict)
    routing: tuple[Route, ...] = ()
    auth_profiles: Mapping[str, Any] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def own_tracker(self) -> str | None:
        """Where tickets live when nobody says it of one; None when that is several places, or none."""
        systems = {item.system for item in self.ticket_systems.values()}
        return self.ticket_system or (systems.pop() if len(systems) == 1 else None)

    def route(self, *, path: str, tags: tuple[str, ...] = (), team: str = "", owner: str = "") -> tuple[str, ...]:
        """Return the ticket systems a spec goes to, the main one first; nothing when it goes to none.

        The first rule that fits; without rules the only system there is.
        """
        for rule in self.routing:
            if rule.fits(path=path, tags=tags, team=team, owner=owner):
                return (rule.target, *rule.shadow_targets)
        if not self.routing and len(self.ticket_systems) == 1:
            return tuple(self.ticket_systems)
        return ()

    def exposure(self, own: str | None, tags: tuple[str, ...]) -> str:
        """Return what an assistant may see of a spec. own: what its frontmatter says."""
        if own is not None:
            return own
        if {tag.lower() for tag in tags} & {tag.lower() for tag in self.ai_exposure.restricted_tags}:
            return "metadata"
        return self.ai_exposure.default


def too_long() -> Config:
    """Return what counts beside a file that is too long to be read at all."""
    return Config(diagnostics=(_broken("The file is too long.", 1, 1),))


def read_config(content: bytes) -> Config:
    """Return what the bytes of a CANON.yaml say. Raises: nothing; what is wrong is in `diagnostics`."""
    reader = _Reader()
    try:
        text = content.decode()
        if len(text) > yaml_text.MAX_BYTES:
            raise yaml_text.YamlFault("The file is too long.", 1)
        root = yaml_text.read(text.replace("\r\n", "\n").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        return Config(diagnostics=(_broken("The file is not UTF-8.", 1, 1),))
    except yaml_text.YamlFault as fault:
        return Config(diagnostics=(_broken(fault.message, fault.line, fault.column),))
    if root is None:
        return Config()
    if not isinstance(root, yaml_text.Mapping):
        return Config(diagnostics=(_broken("The file is no list of fields.", root.line, root.column),))
    values = reader.fields("", root, _ROOT)
    values["rest"] = {key: values.pop(key) for key in _REST if key in values}
    if "ide" in values["rest"]:
        values["ai_exposure"] = _exposure(reader, root)
    config = Config(**values)
    for at, rule in enumerate(config.routing):
        for target in (rule.target, *rule.shadow_targets):
            if target not in config.ticket_systems:
                reader.wrong("routing", root.entries["routing"], f"rule {at + 1} leads to `{target}`, which is none of ticket_systems",
                             "Name the system below ticket_systems.", severity=Severity.WARNING)  # fmt: skip
    return Config(**values, diagnostics=tuple(sorted(reader.diagnostics, key=lambda found: (found.line, found.column))))


def _broken(message: str, line: int, column: int) -> Diagnostic:
    return Diagnostic("config.yaml", Severity.ERROR, message, "Until it is mended, the defaults count.", line, column)


class _Dropped(Exception):
    """A value that does not count; it has been complained of."""


type _Read = Callable[["_Reader", str, Node], Any]


class _Reader:
    """Reads values by the tables below and collects what is wrong."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def wrong(
        self, where: str, node: Node, what: str, hint: str, *, severity: Severity = Severity.ERROR, rule: str = "config.value"
    ) -> None:
        self.diagnostics.append(Diagnostic(rule, severity, f"`{where}`: {what}.", hint, node.line, node.column))

    def drop(self, where: str, node: Node, what: str, hint: str = "") -> _Dropped:
        self.wrong(where, node, what, hint)
        return _Dropped()

    def fields(self, where: str, node: Node, table: Mapping[str, _Read]) -> dict[str, Any]:
        """Return the values of a mapping's keys that the table knows, those that are good."""
        if not isinstance(node, yaml_text.Mapping):
            raise self.drop(where, node, "has to be a mapping")
        values: dict[str, Any] = {}
        for key, value in node.entries.items():
            path = f"{where}.{key}" if where else key
            if key not in table:
                self.diagnostics.append(
                    Diagnostic(
                        "config.unknown", Severity.WARNING, f"`{path}` is not known.", f"There are {', '.join(table)}.", *node.keys[key]
                    )
                )
                continue
            if isinstance(value, Scalar) and value.is_null:
                continue
            try:
                values[key] = table[key](self, path, value)
            except _Dropped:
                continue
            if values[key] and any(path == name or path.endswith(f".{name}") for name in _NO_EFFECT):
                self.wrong(path, node.entries[key], "has no effect in Canonry", "It may stay for other programs.",
                           severity=Severity.WARNING, rule="config.no_effect")  # fmt: skip
        for key in node.repeated:
            self.diagnostics.append(
                Diagnostic("config.repeated", Severity.WARNING, f"`{key}` stands twice.", "Remove one.", *node.keys[key])
            )
        return values


def _text(reader: _Reader, where: str, node: Node) -> str:
    if not isinstance(node, Scalar) or not node.text.strip():
        raise reader.drop(where, node, "has to be a text")
    return node.text.strip()


def _texts(reader: _Reader, where: str, node: Node) -> tuple[str, ...]:
    if isinstance(node, Scalar):
        return tuple(part.strip() for part in node.text.split(",") if part.strip())
    if not isinstance(node, Sequence):
        raise reader.drop(where, node, "has to be a list of texts")
    return tuple(_text(reader, f"{where}[{at}]", item) for at, item in enumerate(node.items))


def _switch(reader: _Reader, where: str, node: Node) -> bool:
    word = node.text.lower() if isinstance(node, Scalar) and node.plain else ""
    if word not in _TRUE | _FALSE:
        raise reader.drop(where, node, "has to be true or false")
    return word in _TRUE


def _word(*words: str) -> _Read:
    def read(reader: _Reader, where: str, node: Node) -> str:
        found = _text(reader, where, node)
        if found not in words:
            raise reader.drop(where, node, f"is `{found}`", f"Use one of {', '.join(words)}.")
        return found

    return read


def _anything(_reader: _Reader, _where: str, node: Node) -> Any:  # noqa: ANN401 -- as it stands
    return yaml_text.plain(node)


def _mapping(reader: _Reader, where: str, node: Node) -> dict[str, Any]:
    if not isinstance(node, yaml_text.Mapping):
        raise reader.drop(where, node, "has to be a mapping")
    found: dict[str, Any] = yaml_text.plain(node)
    return found


def _known(*names: str) -> _Read:
    def read(reader: _Reader, where: str, node: Node) -> dict[str, Any]:
        return reader.fields(where, node, dict.fromkeys(names, _anything))

    return read


def _lifecycle(reader: _Reader, where: str, node: Node) -> str:
    word = _text(reader, where, node).lower()
    if word in _TRUE | _FALSE:
        return "true" if word in _TRUE else "false"
    if word != "close_only":
        raise reader.drop(where, node, f"is `{word}`", "Use true, false or close_only.")
    return word


def _stale(reader: _Reader, where: str, node: Node) -> str | None:
    word = _text(reader, where, node)
    if word.lower() in _FALSE:
        return None
    if not _DAYS.fullmatch(word):
        raise reader.drop(where, node, f"is `{word}`", "Write days like 30d, or false.")
    return word


def _glob(reader: _Reader, where: str, node: Node) -> str:
    text = _text(reader, where, node)
    try:
        Glob(text)
    except GlobFault as fault:
        raise reader.drop(where, node, str(fault), "Write it like docs/**/*.md.") from None
    return text


def _doc_paths(reader: _Reader, where: str, node: Node) -> tuple[str, ...]:
    if not isinstance(node, Sequence) or not node.items:
        raise reader.drop(where, node, "has to be a list of at least one path")
    return tuple(_glob(reader, f"{where}[{at}]", item) for at, item in enumerate(node.items))


def _specs(reader: _Reader, where: str, node: Node) -> SpecRules:
    return SpecRules(**reader.fields(where, node, _SPECS))


def _agents(reader: _Reader, where: str, node: Node) -> AgentRules:
    return AgentRules(**reader.fields(where, node, _AGENTS))


def _ide(reader: _Reader, where: str, node: Node) -> dict[str, Any]:
    return reader.fields(where, node, dict.fromkeys(("auto_context", "auto_verify", "ai_exposure", "evidence_pipeline"), _anything))


def _exposure(reader: _Reader, root: yaml_text.Mapping) -> ExposureRules:
    ide = root.entries["ide"]
    node = ide.entries.get("ai_exposure") if isinstance(ide, yaml_text.Mapping) else None
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return ExposureRules()
    try:
        return ExposureRules(**reader.fields("ide.ai_exposure", node, {"default": _word(*EXPOSURES), "restricted_tags": _texts}))
    except _Dropped:
        return ExposureRules()


def _ticket_systems(reader: _Reader, where: str, node: Node) -> dict[str, TicketSystem]:
    if not isinstance(node, yaml_text.Mapping):
        raise reader.drop(where, node, "has to be a mapping of names to systems")
    found = {}
    for name, value in node.entries.items():
        try:
            fields = reader.fields(f"{where}.{name}", value, _TICKET_SYSTEM)
        except _Dropped:
            continue
        if "system" not in fields:
            reader.wrong(f"{where}.{name}", value, "names no system", f"Add `system:` {', '.join(TICKET_SYSTEMS)}.")
            continue
        found[name] = TicketSystem(name, **fields)
    return found


def _routing(reader: _Reader, where: str, node: Node) -> tuple[Route, ...]:
    if not isinstance(node, Sequence):
        raise reader.drop(where, node, "has to be a list of rules")
    rules = []
    for at, item in enumerate(node.items):
        try:
            rules.append(_route(reader, f"{where}[{at}]", item))
        except _Dropped:
            continue
    return tuple(rules)


def _route(reader: _Reader, where: str, node: Node) -> Route:
    before = len(reader.diagnostics)
    rule = reader.fields(where, node, {"match": _match, "target": _text, "shadow_targets": _texts})
    if any(found.severity is Severity.ERROR for found in reader.diagnostics[before:]):
        raise _Dropped  # a rule that lost one of its conditions would fit too much
    match = rule.get("match")
    if not match or "target" not in rule:
        raise reader.drop(where, node, "needs `match` and `target`")
    if match.get("default") and len(match) > 1:
        raise reader.drop(where, node, "`default` has to stand alone")
    if "default" in match and not match["default"]:
        raise reader.drop(where, node, "`default` has to be true")
    is_default = bool(match.pop("default", False))
    return Route(rule["target"], rule.get("shadow_targets", ()), is_default=is_default, **match)


def _match(reader: _Reader, where: str, node: Node) -> dict[str, Any]:
    return reader.fields(where, node, {"tags": _texts, "team": _text, "owner": _text, "path": _glob, "default": _switch})


_REST = ("version", "ide", "sre", "slack", "triage", "extensions")
_SPECS: Mapping[str, _Read] = {
    "doc_paths": _doc_paths, "auto_tickets": _switch, "require_review": _switch, "lifecycle_sync": _lifecycle, "check_pushes": _switch,
    "warnings_as_errors": _switch,
}  # fmt: skip
_AGENTS: Mapping[str, _Read] = {"pr_analysis": _switch, "doc_updates": _switch, "realization_check": _switch, "stale_detection": _stale}
_TICKET_SYSTEM: Mapping[str, _Read] = {
    "system": _word(*TICKET_SYSTEMS), "project": _text, "auth_profile": _text, "status_map": _known("forward", "reverse", "fallback"),
    "field_map": _known("standard", "custom"), "hierarchy": _known("depth_to_type", "auto_parent", "default_type"),
    "templates": _known("summary", "description"), "dedup_enabled": _switch,
}  # fmt: skip
_ROOT: Mapping[str, _Read] = {
    "version": _text, "team": _text, "ticket_system": _word(*TICKET_SYSTEMS), "project_key": _text, "slack_channel": _text, "specs": _specs,
    "agents": _agents, "ide": _ide, "sre": _anything, "slack": _anything, "triage": _anything, "extensions": _anything,
    "ticket_systems": _ticket_systems, "routing": _routing, "auth_profiles": _mapping,
}  # fmt: skip
