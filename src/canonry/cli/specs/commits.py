"""Reading commits with git: lists by `ls-tree` and `diff`, contents by one running `cat-file --batch`."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

from canonry.cli.specs.checkout import Checkout, matching
from canonry.core.errors import Invalid, Unavailable
from canonry.core.settings import child_environment
from canonry.specs.globs import Glob, is_spec_path

_TIMEOUT = 60
_REVISION = re.compile(r"[A-Za-z0-9_][\w./@{}^~+-]{0,200}")
_SEPARATOR = "\x1e"


def run_git(checkout: Checkout, *words: str, stdin: bytes = b"") -> bytes:
    """Run git in the checkout and return what it wrote. Raises: Unavailable `program_missing`; Invalid `git`, with git's own words."""
    environment = {**child_environment(), "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "--no-pager", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false", *words]
    try:
        done = subprocess.run(command, cwd=checkout.root, env=environment, input=stdin, capture_output=True, timeout=_TIMEOUT, check=False)
    except FileNotFoundError as error:
        raise Unavailable("program_missing", "git is not installed on this machine.", hint="Install git.") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable("program_timeout", f"git did not end within {_TIMEOUT} s.", hint="Try again.") from error
    if done.returncode:
        words_of_git = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ").splitlines()
        raise Invalid(
            "git", f"git says: {words_of_git[0] if words_of_git else 'nothing'}.", hint="Name a commit, a branch or a tag that is here."
        )
    return done.stdout


def resolve(checkout: Checkout, revision: str) -> str:
    """Return the full id of the commit that a person means. Raises: Invalid `git`."""
    if not _REVISION.fullmatch(revision):
        raise Invalid("git", f"`{revision}` is no name of a commit.", hint="Name a commit, a branch or a tag.")
    try:
        return run_git(checkout, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except Invalid as error:
        raise Invalid("git", f"There is no commit `{revision}` here.", hint=error.hint) from error


def read_blobs(checkout: Checkout, names: Sequence[str]) -> list[bytes | None]:
    """Return the contents of `<commit>:<path>` names, None for what is not there. One process reads them all."""
    plain = [name for name in names if "\n" not in name]
    found = dict(
        zip(
            plain,
            _batch(run_git(checkout, "cat-file", "--batch", "--buffer", stdin="".join(f"{n}\n" for n in plain).encode())),
            strict=True,
        )
    )
    return [found.get(name) for name in names]


def _batch(out: bytes) -> Iterator[bytes | None]:
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        words = out[at:end].rsplit(b" ", 2)
        if words[-1] == b"missing" or len(words) < 3 or not words[2].isdigit():
            yield None
            at = end + 1
        else:
            size = int(words[2])
            yield out[end + 1 : end + 1 + size] if words[1] == b"blob" else None
            at = end + size + 2


def spec_paths(checkout: Checkout, commit: str, patterns: Sequence[str]) -> list[str]:
    """The spec files of a commit, in the order of their paths; links and submodules are left out."""
    globs = tuple(Glob(pattern) for pattern in patterns)
    entries = run_git(checkout, "ls-tree", "-r", "-z", "--full-tree", commit).decode(errors="surrogateescape").split("\0")
    found = [entry.split("\t", 1) for entry in entries if entry]
    return sorted(path for mode, path in found if mode.startswith("100") and is_spec_path(path, globs))


def doc_paths(checkout: Checkout, commit: str) -> tuple[str, ...]:
    """Where specs lie by the CANON.yaml of a commit."""
    from canonry.specs.config import NAMES, Config, read_config

    contents = read_blobs(checkout, [f"{commit}:{name}" for name in NAMES])
    config = next((read_config(content) for content in contents if content is not None), Config())
    return config.specs.doc_paths


def lint_commit(checkout: Checkout, revision: str, spec: str | None) -> list[tuple[str, Any]]:
    """Return path and diagnostic of everything that is wrong in the specs of a commit."""
    from canonry.specs import parse
    from canonry.specs.lint import lint, stem_of, unresolved

    commit = resolve(checkout, revision)
    paths = spec_paths(checkout, commit, doc_paths(checkout, commit))
    chosen = matching(paths, spec) if spec is not None else paths
    stems = {stem_of(path) for path in paths}
    found = []
    for path, content in zip(chosen, read_blobs(checkout, [f"{commit}:{path}" for path in chosen]), strict=True):
        document = parse(content or b"")
        items = [*lint(document), *unresolved(document.frontmatter.depends_on, stems)]
        found += [(path, (item.rule, item.severity, item.message, item.hint, item.line, item.column)) for item in items]
    return found


def changed_paths(checkout: Checkout, old: str, new: str | None) -> list[tuple[str | None, str | None]]:
    """Return (path before, path after) of what changed between two commits, or since one in the files: None where there is none."""
    words = ["diff", "--name-status", "-z", "--find-renames", "--no-ext-diff", "--end-of-options", old, *([new] if new else []), "--"]
    fields = iter(run_git(checkout, *words).decode(errors="surrogateescape").split("\0"))
    found: list[tuple[str | None, str | None]] = []
    for status in fields:
        if not status:
            break
        path = next(fields)
        after = next(fields) if status[0] in "RC" else path
        found.append((None if status[0] == "A" else path, None if status[0] == "D" else after))
    return found


def untracked_paths(checkout: Checkout) -> list[str]:
    """Return the files that git neither keeps nor ignores."""
    out = run_git(checkout, "ls-files", "-z", "--others", "--exclude-standard", "--full-name")
    return [path for path in out.decode(errors="surrogateescape").split("\0") if path]


def log_of(checkout: Checkout, path: str) -> list[tuple[str, str, str, str, str | None]]:
    """Return (commit, author, when, message, path then) of each commit that changed a file, the oldest first, through renames.

    The path is None where the commit removed the file.
    """
    form = f"--format={_SEPARATOR}%H%x1f%an%x1f%aI%x1f%s"
    out = run_git(checkout, "log", "--follow", form, "--name-status", "-z", "--end-of-options", "HEAD", "--", path)
    found: list[tuple[str, str, str, str, str | None]] = []
    for entry in out.decode(errors="replace").split(_SEPARATOR)[1:]:
        head, _, names = entry.partition("\0")
        commit, author, when, message = head.split("\x1f", 3)
        fields = [field for field in names.strip("\n\0").split("\0") if field]
        if fields:
            then = None if fields[0].strip().startswith("D") else fields[-1]
            found.append((commit, author, when, message, then))
    return found[::-1]
