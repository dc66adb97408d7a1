"""Whether what is about to become the tip of a branch may land: the check that `specs.check_pushes` in CANON.yaml asks for.

Knows no git: who asks says, with `Commits`, how commits are read. The hook of a push and the server (saves, merges) stand on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from canonry.specs.globs import Glob, is_spec_path
from canonry.specs.models import Diagnostic, Severity

if TYPE_CHECKING:
    from canonry.specs.config import Config

NAMES = ("CANON.yaml", "SPECWRIGHT.yaml")
SWITCH_OFF = "spec-check=off"
"""The option of a push (`git push -o`) that says: to stop checking, or to delete a checked default branch, is meant."""
_ASKS = b"check_pushes"


class Commits(Protocol):
    """How commits are read."""

    def file(self, commit: str, path: str) -> bytes | None:
        """Return the content of an ordinary file at the root, None when there is none."""
        ...

    def paths(self, commit: str) -> list[str]:
        """Return every file of a commit."""
        ...

    def changed(self, before: str | None, after: str) -> list[tuple[str, str]]:
        """Return path and blob id of every ordinary file that is new or different in `after`; before: None for nothing."""
        ...

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes | None]:
        """Give these blobs in this order, None for one that is larger than a spec may be."""
        ...


@dataclass(frozen=True, slots=True)
class Update:
    """A branch that is to move. before: where it stands, None when it is new. base: what is compared with (a new branch's beginning).

    is_default: what its tip says now counts as well. may_switch_off: the mover said that the end of the check is meant.
    """

    before: str | None
    after: str
    base: str | None
    is_default: bool
    may_switch_off: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. checked: how many specs were looked at. found: path and what is wrong there. are_warnings_errors: by CANON.yaml."""

    checked: int
    found: tuple[tuple[str, Diagnostic], ...]
    are_warnings_errors: bool

    @property
    def is_refused(self) -> bool:
        """It may not land."""
        return any(self.weighs(item) is Severity.ERROR for _, item in self.found)

    def weighs(self, item: Diagnostic) -> Severity:
        """Return how much a diagnostic weighs here. That a check ends, when it is meant, is said and refused by nothing."""
        return Severity.ERROR if self.are_warnings_errors and item.rule != "config.check_ended" else item.severity

    def lines(self, most: int) -> list[str]:
        """Return it as `path:line:column: error: …`, errors first when there are more than `most`."""
        found = sorted(self.found, key=lambda pair: self.weighs(pair[1])) if len(self.found) > most else self.found
        shown = [
            f"{path}:{item.line}:{item.column}: {self.weighs(item)}: {item.message} {item.hint} [{item.rule}]"
            for path, item in found[:most]
        ]
        return [*shown, *([f"… and {len(found) - most} more: `canonry spec lint` shows all of it."] if len(found) > most else [])]


def is_asked_for(commits: Commits, commit: str) -> bool:
    """Return whether CANON.yaml of a commit asks for the check."""
    return _Rules(commits, commit).asks


def check(commits: Commits, update: Update) -> Verdict | None:
    """Look at the specs that differ between `base` and `after`. Returns None when nobody asks for it."""
    new = _Rules(commits, update.after)
    old = _Rules(commits, update.before) if update.is_default and update.before else None
    if not new.asks and not (old and old.asks):
        return None
    found: list[tuple[str, Diagnostic]] = []
    if update.base is None or _Rules(commits, update.base).content != new.content:
        found += [(new.name, item) for item in new.config.diagnostics]
    if old and old.asks and not new.asks:
        found.append((new.name, _ended(is_meant=update.may_switch_off)))
    globs = (*new.globs, *(old.globs if old else ()))
    changed = [(path, blob) for path, blob in commits.changed(update.base, update.after) if is_spec_path(path, globs)]
    found += _lint(commits, update.after, changed, globs)
    return Verdict(len(changed), tuple(found), _are_errors(new) or (old is not None and _are_errors(old)))


class _Rules:
    """What CANON.yaml of a commit says. A file in which the word does not stand asks for nothing and is not read further."""

    def __init__(self, commits: Commits, commit: str) -> None:
        found = ((name, commits.file(commit, name)) for name in NAMES)
        self.name, self.content = next(((name, content) for name, content in found if content is not None), (NAMES[0], b""))

    @cached_property
    def config(self) -> "Config":
        """All of it."""
        from canonry.specs.config import read_config  # noqa: PLC0415 -- it brings PyYAML; most pushes need none of it

        return read_config(self.content)

    @property
    def asks(self) -> bool:
        """It asks for the check."""
        return _ASKS in self.content and self.config.specs.check_pushes

    @property
    def globs(self) -> tuple[Glob, ...]:
        """Where specs lie."""
        return tuple(Glob(pattern) for pattern in self.config.specs.doc_paths)


def _are_errors(rules: _Rules) -> bool:
    return rules.asks and rules.config.specs.warnings_as_errors


def _ended(*, is_meant: bool) -> Diagnostic:
    if is_meant:
        return Diagnostic("config.check_ended", Severity.WARNING, "From now on, specs are not checked before they land.", "", 1)
    return Diagnostic("config.check_ended", Severity.ERROR, "This would end the check of specs, `specs.check_pushes`.",
                      f"Say so when it is meant: git push -o {SWITCH_OFF}.", 1)  # fmt: skip


def _lint(commits: Commits, commit: str, changed: Sequence[tuple[str, str]], globs: tuple[Glob, ...]) -> list[tuple[str, Diagnostic]]:
    if not changed:
        return []
    from canonry.specs.lint import lint, stem_of, unresolved  # noqa: PLC0415 -- as above
    from canonry.specs.parser import parse, too_large  # noqa: PLC0415

    stems = {stem_of(path) for path in commits.paths(commit) if is_spec_path(path, globs)}
    found = []
    for (path, _), content in zip(changed, commits.contents([blob for _, blob in changed]), strict=True):
        document = too_large() if content is None else parse(content)
        found += [(path, item) for item in (*lint(document), *unresolved(document.frontmatter.depends_on, stems))]
    return found
