"""The check of specs for what lands without a push: a save of the editor, a merge."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from canonry.core.errors import Invalid, Issue, TooLarge
from canonry.features.git.contents.reading import changes, content_at, files_at, read_blobs
from canonry.specs.landing import NAMES, Update, Verdict, check, is_asked_for
from canonry.specs.parser import MAX_BYTES

type Check = Callable[[str | None, str], None]
"""Told where a branch stands and where it is to go, just before it goes there; raises to keep it where it is."""
_MOST_ISSUES = 100


def spec_check(repository: Path, *, is_default: bool) -> Check:
    """Return the check of a branch. What it raises: Invalid `specs_refused`, with an issue for each error."""

    def look(before: str | None, after: str) -> None:
        verdict = verdict_on(repository, Update(before, after, before, is_default))
        if verdict is None or not verdict.is_refused:
            return
        errors = [(path, item) for path, item in verdict.found if verdict.weighs(item) == "error"]
        path, first = errors[0]
        raise Invalid(
            "specs_refused",
            f"CANON.yaml lets no errors land, and there are {len(errors)}; the first: {path}:{first.line}:{first.column}: {first.message}",
            hint=first.hint,
            issues=[Issue(f"{path}:{item.line}:{item.column}", f"{item.message} {item.hint}".strip(), item.rule)
                    for path, item in errors[:_MOST_ISSUES]],
        )  # fmt: skip

    return look


def verdict_on(repository: Path, update: Update) -> Verdict | None:
    """Return what is wrong with the specs that differ; None when CANON.yaml asks for no check."""
    return check(_Hosted(repository), update)


def is_checked(repository: Path, ref: str) -> bool:
    """Say whether CANON.yaml of a commit (or of where a branch stands) asks for the check. Raises: NotFound `ref_not_found`."""
    return is_asked_for(_Hosted(repository), ref)


def may_be_checked(repository: Path, commit: str, path: str) -> bool:
    """Say whether a change of one file upon a commit may be looked at by the check: CANON.yaml asks for it, or is the file."""
    return path in NAMES or is_checked(repository, commit)


class _Hosted:
    """The commits of a bare repository, for the check."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository

    def file(self, commit: str, path: str) -> bytes | None:
        try:
            return content_at(self._repository, commit, path)
        except TooLarge:
            return None  # as for a push: it asks for nothing, and what asked before must not end unsaid

    def paths(self, commit: str) -> list[str]:
        return [file.path for file in files_at(self._repository, commit) if file.is_file]

    def changed(self, before: str | None, after: str) -> list[tuple[str, str]]:
        return [(item.path, item.sha) for item in changes(self._repository, before, after) if item.sha is not None and item.is_file]

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes | None]:
        return (content for _, content in read_blobs(self._repository, blobs, MAX_BYTES))
