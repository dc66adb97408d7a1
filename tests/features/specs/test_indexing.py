"""The index of a repository: whatever happened in between, it is what indexing from scratch makes."""

import itertools
import subprocess
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.features.specs import indexing
from canonry.features.specs.store import states, writing
from tests.features.specs.conftest import CANON, LOGIN, Shelf
from tests.support.between import once_before
from tests.support.git import Person


def test_everything_of_a_spec_is_in_it(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    found = shelf.everything("rep_1")
    assert list(found) == ["", "README.md", "docs/specs/login.md"]
    document, _, sections, criteria, links = found["docs/specs/login.md"]  # type: ignore[misc]
    assert {name: document[name] for name in ("title", "status", "owner", "team", "tags", "doc_type", "is_spec")} == {
        "title": "Login", "status": "in_progress", "owner": "ada", "team": "identity", "tags": ["auth", "web"], "doc_type": "spec",
        "is_spec": True,
    }  # fmt: skip
    counts = [document[name] for name in ("total_sections", "done_sections", "total_ac", "done_ac", "realized_ac")]
    assert counts == [2, 1, 3, 1, 1]
    assert document["sha"] == ada.head("HEAD:docs/specs/login.md")
    assert [(row["section_id"], row["status"], row["ticket_id"], row["start_line"]) for row in sections] == [
        ("1-passwords", "done", None, 13), ("2-sessions", "todo", "OPS-7", 25),
    ]  # fmt: skip
    assert [(row["text"], row["checked"], row["strength"], row["line"]) for row in criteria] == [
        ("A wrong password MUST be refused", True, "MUST", 21), ("The form SHOULD say why", False, "SHOULD", 23),
        ("A session MUST end after 30 days", False, "MUST", 30),
    ]  # fmt: skip
    assert criteria[0]["evidence"][0]["path"] == "src/login.py"
    assert [row["target"] for row in links] == ["README.md"]
    assert found["README.md"][0]["doc_type"] == "readme"  # type: ignore[index]


def test_only_what_changed_is_read_again(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    before = dict(shelf.rows("SELECT path, id FROM spec_documents"))  # type: ignore[arg-type]
    ada.git("mv", "README.md", "INTRO.md")
    ada.commit({"docs/specs/login.md": LOGIN.replace("status:todo", "status:done")}, "Done")
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    after = dict(shelf.rows("SELECT path, id FROM spec_documents"))  # type: ignore[arg-type]
    assert set(after) == {"INTRO.md", "docs/specs/login.md"}
    assert not set(before.values()) & set(after.values())
    assert shelf.rows("SELECT status, changed, removed FROM index_runs ORDER BY id") == [("done", 2, 0), ("done", 2, 1)]
    shelf.index("rep_1")
    assert len(shelf.rows("SELECT 1 FROM index_runs")) == 2


def test_one_bad_file_stops_no_other(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    (ada.tree / "docs/specs/link.md").symlink_to("login.md")
    ada.commit({
        "docs/specs/huge.md": "x" * (2 << 20), "docs/specs/binary.md": bytes(range(256)) * 20,
        "docs/specs/latin.md": "# é".encode("latin-1"),
        "docs/specs/deep.md": "---\ntitle: " + "[" * 30_000 + "\n---\n## A\n", "docs/specs/nul.md": "## A\0B\n- [ ] c\0d\n",
        "docs/specs/_draft.md": "## Not a spec\n", "CANON.yaml": "specs: [\n",
    })  # fmt: skip
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    found = shelf.everything("rep_1")
    assert {"docs/specs/login.md", "docs/specs/huge.md", "docs/specs/binary.md", "docs/specs/deep.md"} <= set(found)
    assert "docs/specs/link.md" not in found
    state: Any = found[""]
    assert state[2][0]["rule"] == "config.yaml"
    assert found["docs/specs/_draft.md"][0]["is_spec"] is False  # type: ignore[index]
    assert shelf.rows("SELECT status FROM index_runs") == [("done",)]


def test_a_change_of_canon_yaml_makes_other_files_specs(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    ada.commit({"requirements/pay.md": LOGIN})
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    assert shelf.everything("rep_1")["requirements/pay.md"][0]["is_spec"] is False  # type: ignore[index]
    ada.commit({"CANON.yaml": 'specs:\n  doc_paths: ["requirements/*.md"]\n'})
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    found: Any = shelf.everything("rep_1")
    assert (found["requirements/pay.md"][0]["is_spec"], found["docs/specs/login.md"][0]["is_spec"]) == (True, False)


def test_a_repository_whose_branch_is_gone_has_an_empty_index(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    ada.git("--git-dir", str(folder), "update-ref", "-d", "refs/heads/main")
    shelf.index("rep_1")
    assert list(shelf.everything("rep_1")) == [""]
    for table in ("spec_sections", "spec_criteria", "spec_links"):
        assert shelf.rows(f"SELECT 1 FROM {table}") == []  # noqa: S608 -- three names of ours


def test_who_waited_while_a_newer_commit_was_indexed_leaves_that(shelf: Shelf, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")

    def push() -> None:
        ada.commit({"docs/specs/pay.md": LOGIN}, "More")
        ada.git("push", "--quiet", str(folder), "main")
        shelf.index("rep_1")

    once_before(monkeypatch, writing, "begin", push)
    shelf.index("rep_1")
    found: Any = shelf.everything("rep_1")
    assert (found[""][0], "docs/specs/pay.md" in found) == (ada.head(), True)


def test_a_reworded_criterion_keeps_its_first_name(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    first = shelf.rows("SELECT criterion_id FROM spec_criteria WHERE text LIKE 'A session%%'")[0][0]
    for text in ("A session MUST end after 30 idle days", "Every session MUST end after 30 idle days"):
        ada.commit({"docs/specs/login.md": LOGIN.replace("A session MUST end after 30 days", text)})
        ada.git("push", "--quiet", str(folder), "main")
        shelf.index("rep_1")
        now = shelf.rows("SELECT criterion_id FROM spec_criteria WHERE text = %s", text)[0][0]
        assert now != first
        assert shelf.rows("SELECT first_id FROM criterion_names WHERE criterion_id = %s", now) == [(first,)]


@pytest.mark.criterion("living-specs#killed-run")
def test_a_killed_run_leaves_the_old_index_and_the_sweep_finds_it(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")
    shelf.index("rep_1")
    before = shelf.everything("rep_1")
    ada.commit({"docs/specs/new.md": LOGIN})
    ada.git("push", "--quiet", str(folder), "main")
    shelf.rows("INSERT INTO index_runs (repository_id, status) VALUES ('rep_1', 'running') RETURNING id")
    with shelf.transactions.begin() as tx:
        from canonry.features.git.repositories import store  # noqa: PLC0415 -- as the announcement does

        store.move_head(tx, "rep_1", ada.head())
        assert states.stale(tx, indexing.RULES) == ["rep_1"]
    assert shelf.everything("rep_1") == before
    indexing.run(shelf, "rep_1")
    assert "docs/specs/new.md" in shelf.everything("rep_1")
    assert [row[0] for row in shelf.rows("SELECT status FROM index_runs ORDER BY id")] == ["done", "failed", "done"]
    with shelf.transactions.begin() as tx:
        assert states.stale(tx, indexing.RULES) == []


@pytest.mark.criterion("living-specs#index-from-scratch")
def test_two_runs_at_once_end_in_one_index(shelf: Shelf, ada: Person) -> None:
    folder = shelf.add("rep_1")
    ada.git("push", "--quiet", str(folder), "main")
    threads = [threading.Thread(target=shelf.index, args=("rep_1",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shelf.everything("rep_1")) == 3
    assert len(shelf.rows("SELECT 1 FROM spec_sections")) == 2


_NUMBERS = itertools.count(1)
_PATHS = ["docs/specs/a.md", "docs/specs/b.md", "docs/specs/deep/c.md", "README.md", "docs/adr/0001.md", "other.txt", "CANON.yaml"]
_CONTENTS = [
    LOGIN, LOGIN.replace("status:todo", "status:blocked:X-1"), "## Only a heading\n- [ ] one MUST\n- [ ] one MUST\n", "", "\0binary",
    "---\ntitle: [\n---\n## A\n", CANON, 'specs:\n  doc_paths: ["**/*.md"]\n', "specs: [", "# Plain\n\n[x](a.md) [y](../b.md)\n",
]  # fmt: skip
_STEP = st.fixed_dictionaries({
    "files": st.dictionaries(st.sampled_from(_PATHS), st.one_of(st.none(), st.sampled_from(_CONTENTS)), max_size=4),
    "from": st.integers(0, 3),
    "gc": st.booleans(),
})  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, min_size=1, max_size=5))
@pytest.mark.criterion("living-specs#index-from-scratch")
def test_whatever_is_pushed_the_index_is_the_one_from_scratch(shelf: Shelf, ada: Person, steps: list[dict[str, Any]]) -> None:
    name = f"rep_{next(_NUMBERS)}"
    folder = shelf.add(name)
    commits = [ada.head("main")]
    ada.git("checkout", "--quiet", "-B", "main")
    for step in steps:
        ada.git("reset", "--quiet", "--hard", commits[-1 - step["from"] % len(commits)])
        for path, content in step["files"].items():
            (ada.tree / path).unlink(missing_ok=True)
            if content is not None:
                (ada.tree / path).parent.mkdir(parents=True, exist_ok=True)
                (ada.tree / path).write_text(content)
        commits.append(ada.commit({}))
        ada.git("push", "--quiet", "--force", str(folder), "main")
        if step["gc"]:  # the old commit may be gone then
            subprocess.run(["git", f"--git-dir={folder}", "gc", "--quiet", "--prune=now"], check=True, capture_output=True)
        shelf.index(name)
    scratch = shelf.add(f"{name}_scratch")
    ada.git("push", "--quiet", "--force", str(scratch), "main")
    shelf.index(f"{name}_scratch")
    assert shelf.everything(name) == shelf.everything(f"{name}_scratch")
    ada.git("reset", "--quiet", "--hard", commits[0])
