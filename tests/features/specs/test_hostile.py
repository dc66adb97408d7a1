"""What somebody pushes to spite the index: every file of it is indexed by something, and the others as ever."""

import itertools
import json
import string
from collections.abc import Callable

import pytest

from canonry.features.specs import versions
from tests.features.specs.conftest import CANON, LOGIN, Shelf
from tests.support.git import Person

_HEAD = "---\ntitle: Hostile\nstatus: todo\n"
_WORDS = ("".join(letters) for letters in itertools.product(string.ascii_lowercase, repeat=4))
_MANY = [next(_WORDS) for _ in range(200_000)]


def _deep(levels: int) -> str:
    return "[" * levels + "]" * levels


HOSTILE: dict[str, Callable[[], dict[str, str | bytes]]] = {
    "a NUL in the front": lambda: {"docs/specs/a.md": _HEAD + 'owner: "a\\0b"\nextra: "c\\0d"\n---\n# H\n'},
    "numbers that JSON has not": lambda: {"docs/specs/a.md": _HEAD + "x: .nan\ny: .inf\nz: -.inf\n---\n# H\n"},
    "a number without end": lambda: {"docs/specs/a.md": _HEAD + f"x: {'9' * 4000}\ny: 1e999999\n---\n# H\n"},
    "half a letter": lambda: {"docs/specs/a.md": _HEAD + 'x: "\\ud800"\n---\n# H\n'},
    "depth": lambda: {"docs/specs/a.md": _HEAD + f"x: {_deep(900)}\n---\n# H\n"},
    "headings of many words": lambda: {
        "docs/specs/a.md": f"{_HEAD}---\n" + "".join(f"## {' '.join(words)}\n" for words in itertools.batched(_MANY, 50))
    },
    "criteria of many words": lambda: {
        "docs/specs/a.md": f"{_HEAD}---\n## A\n\n" + "".join(f"- [ ] {' '.join(words)}\n" for words in itertools.batched(_MANY, 50))
    },
    "compounds": lambda: {"docs/specs/a.md": f"{_HEAD}---\n## A\n\n" + " ".join("-".join(words) for words in itertools.batched(_MANY, 5))},
    "one word": lambda: {"docs/specs/a.md": f"{_HEAD}---\n## {'x' * 300_000}\n\n- [ ] {'y' * 300_000}\n"},
    "no text": lambda: {"docs/specs/a.md": bytes(range(256)) * 1000},
    "a long ticket": lambda: {"docs/specs/a.md": f"{_HEAD}---\n## A\n<!-- canon:ticket:jira:{'T' * 9000} url:https://x/{'u' * 9000} -->\n"},
    "long names": lambda: {
        "docs/specs/a.md": f"{_HEAD}tags: [{'t' * 9000}]\nteam: {'m' * 9000}\n---\n## A\n<!-- canon:system:{'s' * 9000} status:todo -->\n"
        f"- [ ] **{'c' * 9000}** it MUST\n- [ ] <!-- canon:ac:{'i' * 9000} --> it MUST\n"
    },
    "links from far below": lambda: {
        "/".join(letter * 200 for letter in "abcdefghij") + "/a.md": f"[x](./{'y' * 450})\n[z](../{'q' * 450})\n"
    },
    "a path as long as git allows": lambda: {"docs/specs/" + "/".join(f"{number:03}" + "p" * 240 for number in range(14)) + "/a.md": LOGIN},
    "settings": lambda: {"CANON.yaml": CANON + 'name: "a\\0b"\nx: .nan\ntickets:\n  system: "\\ud800"\n  project: "q\\0"\n'},
    "settings of another kind": lambda: {
        "CANON.yaml": f"version: {_deep(500)}\nteam: .nan\nspecs:\n  doc_paths: [.inf, '**/x.md', '{'*/' * 3000}']\n"
    },
    "a heading that ends with hashes": lambda: {"README.md": "# " + "#" * 190_000 + "x\n", "docs/a.md": "# " + "# " * 90_000 + "x\n"},
}  # fmt: skip


@pytest.mark.parametrize("files", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.criterion("living-specs#hostile-input")
def test_whatever_is_pushed_is_indexed_and_the_rest_as_ever(shelf: Shelf, ada: Person, files: Callable[[], dict[str, str | bytes]]) -> None:
    folder = shelf.add("rep_1")
    ada.commit({"docs/specs/other.md": LOGIN, "docs/note.md": "# Note\n\nsomething\n"})
    hostile = files()
    ada.commit(hostile)
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    assert shelf.rows("SELECT status, error FROM index_runs") == [("done", "")]
    indexed = {str(row[0]) for row in shelf.rows("SELECT path FROM spec_documents")}
    assert indexed >= {path for path in hostile if path.endswith(".md")} | {"docs/note.md"}
    json.dumps(shelf.rows("SELECT config FROM spec_indexes")[0], allow_nan=False)


def test_a_fault_of_ours_ends_the_run_and_says_so(shelf: Shelf, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")
    monkeypatch.setattr("canonry.features.specs.indexing.configured", lambda *_arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shelf.index("rep_1")
    assert shelf.rows("SELECT status, error FROM index_runs") == [("failed", "internal_error: Something in Canonry itself failed.")]


def test_the_history_of_a_large_file_is_read_within_bounds(shelf: Shelf, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest versions are shown, as many as fit."""
    folder = shelf.add("rep_1")
    for number in range(6):
        ada.commit({"docs/specs/login.md": LOGIN + f"\nversion {number}\n" + "x" * 10_000}, f"Version {number}")
    ada.git("push", "--quiet", str(folder), "main")
    monkeypatch.setattr(versions, "_MOST_BYTES", 35_000)
    blobs = [ada.git("rev-parse", f"HEAD~{back}:docs/specs/login.md").stdout.strip() for back in range(6)]
    assert list(versions._contents(folder, blobs)) == blobs[:3]
    assert list(versions._contents(folder, blobs[:2])) == blobs[:2]
