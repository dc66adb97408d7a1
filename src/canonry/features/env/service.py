"""Use cases: list, set, change and remove variables. What changes is in force at the next deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.errors import Conflict, Invalid, Issue, NotFound, TooLarge
from canonry.core.secret import Secret
from canonry.features import projects
from canonry.features.env import store
from canonry.features.env.events import VariableChanged, VariableRemoved, VariableSet
from canonry.features.env.models import Change, Difference, Entry, Flags, Variable
from canonry.features.env.rules import MOST_BYTES, MOST_VARIABLES, check_key, check_value, digest_of, parse_environment
from canonry.features.projects import Project
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx

_KEEP = Flags()


@dataclass(frozen=True)
class Place:
    """Where variables are written: a project and one of its environments."""

    project: Project
    environment: str


@dataclass(frozen=True)
class _Step:
    """One variable as it was (None: not there) and as it shall be."""

    before: Variable | None
    after: Variable

    @property
    def difference(self) -> Difference:
        if self.before is None:
            return Difference(self.after.key, Change.ADDED, self.after.digest)
        same = _described(self.before) == _described(self.after)
        return Difference(self.after.key, Change.UNCHANGED if same else Change.CHANGED, self.after.digest, self.before.digest)


def listed(tx: Tx, actor: Actor, project: str, environment: str | None) -> list[Variable]:
    """Return the variables of a project, of one environment or of all. Raises: NotFound; Invalid `invalid_environment`."""
    found = projects.find(tx, actor, project)
    wanted = None if environment is None else [parse_environment(environment, "query.environment")]
    return store.of_project(tx, found.id, wanted)


def place(tx: Tx, actor: Actor, project: str, environment: str, *, field: str = "body.environment") -> Place:
    """Return where to write; no other write of the project's variables comes between. Raises: Denied, NotFound, Invalid."""
    require(actor, Permission.PROJECTS_DEPLOY)
    found = projects.find(tx, actor, project)
    checked = parse_environment(environment, field)
    store.hold(tx, found.id)
    return Place(found, checked)


def create(tx: Tx, actor: Actor, vault: Vault, where: Place, entry: Entry, flags: Flags = _KEEP) -> Variable:
    """Set a variable that is not there yet. Raises: Conflict `env_exists`; Invalid; TooLarge `too_many_variables`."""
    (step,) = _steps(tx, actor, vault, where, [entry], flags)
    if step.before is not None:
        raise Conflict("env_exists", f"{entry.key} is set for {where.environment} already.",
                       hint=f"Change it with PATCH …/env/{entry.key}, or with `canonry env set {entry.key}`.")  # fmt: skip
    _write(tx, where.project, [step])
    return step.after


def put(tx: Tx, actor: Actor, vault: Vault, where: Place, entries: Sequence[Entry], flags: Flags = _KEEP) -> list[Difference]:
    """Set every one of these variables, whether it is there or not, or none when one cannot be. Returns what that changed.

    flags: what is None in them stays as it is. Raises: Invalid for the first that cannot be set; TooLarge `too_many_variables`.
    """
    steps = _steps(tx, actor, vault, where, entries, flags)
    _write(tx, where.project, steps)
    return [step.difference for step in steps]


def compare(tx: Tx, actor: Actor, vault: Vault, where: Place, entries: Sequence[Entry], flags: Flags = _KEEP) -> list[Difference]:
    """Return what `put` would change, and change nothing. Raises: Invalid for the first that cannot be set."""
    return [step.difference for step in _steps(tx, actor, vault, where, entries, flags)]


def change(
    tx: Tx, actor: Actor, vault: Vault, project: str, key: str, *, environment: str | None, value: Secret | None, flags: Flags
) -> Variable:
    """Change the value of a variable, or how it is treated, in one environment.

    environment: may be left out when the key is set for one only. Raises: NotFound `env_not_found`; Invalid `environment_needed`,
    `value_needed` (a sensitive value is never shown, so it becomes an open one only together with a new value).
    """
    found, before = _one(tx, actor, project, key, environment, "body.environment")
    if value is None and before.sensitive and flags.sensitive is False:
        raise Invalid("value_needed", f"{key} is sensitive, and its value is never shown.", hint="Send the value with `sensitive: false`.",
                      issues=[Issue("body.value", "is needed to make a sensitive variable an open one", "missing")])  # fmt: skip
    after = _treated(before, flags, actor)
    if value is not None:
        after = _valued(after, vault, check_value(key, value.reveal(), "body.value"))
    step = _Step(before, after)
    _write(tx, found, [step])
    return before if step.difference.change is Change.UNCHANGED else after


def remove(tx: Tx, actor: Actor, project: str, key: str, *, environment: str | None) -> None:
    """Remove a variable from one environment. Raises: NotFound `env_not_found`; Invalid `environment_needed`."""
    found, row = _one(tx, actor, project, key, environment, "query.environment")
    store.delete(tx, row)
    tx.emit(VariableRemoved(found.organization_id, row.project_id, row.environment, row.key, row.digest), before=_described(row))


def _steps(tx: Tx, actor: Actor, vault: Vault, where: Place, entries: Sequence[Entry], flags: Flags) -> list[_Step]:
    there = {row.key: row for row in store.of_project(tx, where.project.id, [where.environment])}
    steps: dict[str, _Step] = {}
    for entry in entries:
        key = check_key(entry.key, "body.key" if entry.path == "body.value" else entry.path)
        value = check_value(key, entry.value.reveal(), entry.path)
        before = there.get(key)
        steps[key] = _Step(before, _valued(_treated(before or _fresh(where, key), flags, actor), vault, value))
    return list(steps.values())


def _write(tx: Tx, project: Project, steps: Sequence[_Step]) -> None:
    for step in steps:
        row, kind = step.after, step.difference.change
        names = (project.organization_id, row.project_id, row.environment, row.key, row.digest)
        if kind is Change.ADDED:
            store.insert(tx, row)
            tx.emit(VariableSet(*names), after=_described(row))
        elif kind is Change.CHANGED and step.before is not None:
            store.update(tx, row)
            tx.emit(VariableChanged(*names), before=_described(step.before), after=_described(row))
    number, size = store.size(tx, project.id)
    if number > MOST_VARIABLES or size > MOST_BYTES:
        raise TooLarge("too_many_variables", f"A project may have {MOST_VARIABLES} variables of {MOST_BYTES >> 20} MiB together.",
                       hint="Remove some with `canonry env rm`, or put large things into files.")  # fmt: skip


def _one(tx: Tx, actor: Actor, project: str, key: str, environment: str | None, path: str) -> tuple[Project, Variable]:
    """Return the one variable that is meant, of a project that is held from here on."""
    require(actor, Permission.PROJECTS_DEPLOY)
    found = projects.find(tx, actor, project)
    wanted = None if environment is None else parse_environment(environment, path)
    store.hold(tx, found.id)
    rows = [] if "\0" in key else store.of_key(tx, found.id, key)
    chosen = [row for row in rows if wanted in {None, row.environment}]
    if not chosen:
        where = f" for {wanted}" if wanted else ""
        raise NotFound("env_not_found", f"{found.slug} has no variable {key!r}{where}.", hint="`canonry env ls` lists them.")
    if len(chosen) > 1:
        names = ", ".join(row.environment for row in chosen)
        raise Invalid("environment_needed", f"{key} is set for several environments: {names}.", hint="Say which one with `environment`.",
                      issues=[Issue(path, f"must be one of {names}", "missing")])  # fmt: skip
    return found, chosen[0]


def _fresh(where: Place, key: str) -> Variable:
    return Variable(
        project_id=where.project.id, environment=where.environment, key=key, sealed_value=b"", digest="", sensitive=True, for_build=True,
        for_run=True, created_at=now(), updated_at=now(), updated_by="",
    )  # fmt: skip


def _treated(row: Variable, flags: Flags, actor: Actor) -> Variable:
    chosen = {"sensitive": flags.sensitive, "for_build": flags.build, "for_run": flags.run}
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    return replace(row, **given, updated_at=now(), updated_by=actor.user_id)


def _valued(row: Variable, vault: Vault, value: str) -> Variable:
    digest = digest_of(vault.key_for("digests of variables"), row.project_id, value)
    return replace(row, sealed_value=vault.seal(value, bound=row.bound), digest=digest)


def _described(row: Variable) -> Mapping[str, Any]:
    return {"digest": row.digest, "sensitive": row.sensitive, "build": row.for_build, "run": row.for_run}
