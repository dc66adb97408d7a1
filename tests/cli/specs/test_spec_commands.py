"""`canonry spec …` in a real checkout, as real processes: what they print, what they change, and how they end."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import RunCli

SPEC = """---
title: Refunds
status: in_progress
type: spec
owner: ann
team: payments
created: 2026-01-07
updated: 2026-11-25
tags: [billing]
---

# Refunds

## 1. Request

<!-- canon:system:1 status:todo -->

A customer asks for their money.

### Acceptance Criteria

- [ ] A refund MUST NOT exceed the payment {#not-more}
- [x] A refund SHOULD be =SUM(1) shown in the ledger
  <!-- canon:realized-in:PR#4 file:src/ledger.py:1-2 -->

## 2. Approval

<!-- canon:system:2 status:done -->

### Acceptance Criteria

- [x] A second person MUST approve {#second-person}
"""


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@localhost", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    (folder / "docs/specs").mkdir(parents=True)
    (folder / "docs/specs/refunds.md").write_text(SPEC)
    (folder / "docs/specs/_template.md").write_text("no spec")
    (folder / "src").mkdir()
    (folder / "src/ledger.py").write_text("def ledger():\n    return 1\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def spec(folder: Path) -> str:
    return (folder / "docs/specs/refunds.md").read_text()


@pytest.mark.contract("Canon", "CLI lint, status, tasks, start, done, search, verify --gate")
def test_a_good_spec_has_nothing_wrong_and_a_bad_one_ends_with_1(canonry: RunCli, checkout: Path) -> None:
    good = canonry("spec", "lint", cwd=checkout)
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "Nothing is wrong.\n")
    (checkout / "docs/specs/bad.md").write_text(
        "---\nowner: a\ndepends_on: [gone]\n---\n## 1. A\n\n<!-- canon:system:1 status:finished -->\n"
    )
    bad = canonry("spec", "lint", cwd=checkout)
    assert bad.returncode == 1
    assert (
        "docs/specs/bad.md:7:1: error: `finished` is no state, so the section counts as a draft. [status.unknown] Use one of" in bad.stdout
    )
    assert "[depends_on.unresolved]" in bad.stdout
    found = json.loads(canonry("spec", "lint", "--spec", "bad", "--json", cwd=checkout).stdout)
    assert found["errors"] == 2
    assert {"path", "line", "column", "severity", "rule", "message", "hint"} == set(found["diagnostics"][0])


@pytest.mark.contract("Canon", "CLI lint, status, tasks, start, done, search, verify --gate")
def test_warnings_fail_only_when_asked_and_an_unknown_spec_ends_with_2(canonry: RunCli, checkout: Path) -> None:
    (checkout / "docs/specs/refunds.md").write_text(SPEC.replace("team: payments\n", ""))
    assert canonry("spec", "lint", cwd=checkout).returncode == 0
    assert canonry("spec", "lint", "--warnings-as-errors", cwd=checkout).returncode == 1
    for command in ("lint", "status"):
        done = canonry("spec", command, "--spec", "nothing", cwd=checkout)
        assert (done.returncode, "No spec fits `nothing`." in done.stderr) == (2, True)


def test_what_is_wrong_in_canon_yaml_is_told(canonry: RunCli, checkout: Path) -> None:
    (checkout / "CANON.yaml").write_text("specs:\n  doc_paths: [docs/**/*.md]\n  auto_tickets: perhaps\n")
    done = canonry("spec", "lint", cwd=checkout)
    assert done.returncode == 1
    assert "CANON.yaml:3:17: error:" in done.stdout


def test_lint_at_a_commit_looks_at_the_commit(canonry: RunCli, checkout: Path) -> None:
    (checkout / "docs/specs/refunds.md").write_text("no frontmatter")
    assert canonry("spec", "lint", cwd=checkout).returncode == 1
    assert canonry("spec", "lint", "--at", "HEAD", cwd=checkout).returncode == 0
    assert "There is no commit `gone` here." in canonry("spec", "lint", "--at", "gone", cwd=checkout).stderr
    for name in ("gone", "--upload-pack=x", ""):
        assert canonry("spec", "lint", f"--at={name}", cwd=checkout).returncode == 2


@pytest.mark.contract("Canon", "CLI lint, status, tasks, start, done, search, verify --gate")
def test_status_counts_and_shows_sections_when_one_is_named(canonry: RunCli, checkout: Path) -> None:
    found = json.loads(canonry("spec", "status", "--json", cwd=checkout).stdout)
    assert (
        found["summary"] | {"total_specs": 1, "total_sections": 2, "done_sections": 1, "total_ac": 3, "done_ac": 2, "realized_ac": 1}
        == found["summary"]
    )
    assert found["summary"]["health_score"] == 48.3
    assert [item["path"] for item in found["specs"]] == ["docs/specs/refunds.md"]
    shown = canonry("spec", "status", "--spec", "refunds", cwd=checkout).stdout
    assert "1. Request [todo] 1/2" in shown
    assert "[ ] not-more  A refund MUST NOT exceed the payment" in shown


def test_it_works_below_the_root_and_without_git(canonry: RunCli, checkout: Path, tmp_path: Path) -> None:
    assert "docs/specs/refunds.md" in canonry("spec", "status", cwd=checkout / "src").stdout
    bare = tmp_path / "no git"
    (bare / "docs/specs").mkdir(parents=True)
    (bare / "docs/specs/a.md").write_text(SPEC)
    assert "docs/specs/a.md" in canonry("spec", "status", cwd=bare).stdout
    assert sorted(path.name for path in bare.iterdir()) == ["docs"]
    assert canonry("spec", "diff", cwd=bare).returncode == 2


@pytest.mark.contract("Canon", "CLI lint, status, tasks, start, done, search, verify --gate")
def test_tasks_are_the_open_sections_unless_asked_otherwise(canonry: RunCli, checkout: Path) -> None:
    assert [task["section_id"] for task in json.loads(canonry("spec", "tasks", "--json", cwd=checkout).stdout)["tasks"]] == ["1-request"]
    assert [
        task["section_id"] for task in json.loads(canonry("spec", "tasks", "--status", "done", "--json", cwd=checkout).stdout)["tasks"]
    ] == ["2-approval"]
    assert json.loads(canonry("spec", "tasks", "--all", "--json", cwd=checkout).stdout)["total"] == 2
    assert canonry("spec", "tasks", "--status", "finished", cwd=checkout).returncode == 2


@pytest.mark.contract("Canon", "CLI lint, status, tasks, start, done, search, verify --gate")
def test_start_and_done_change_their_line_only(canonry: RunCli, checkout: Path) -> None:
    assert canonry("spec", "start", "1", "--issue", "jira:PAY-7", cwd=checkout).returncode == 0
    assert spec(checkout) == SPEC.replace(
        "<!-- canon:system:1 status:todo -->\n", "<!-- canon:system:1 status:in_progress -->\n<!-- canon:ticket:jira:PAY-7 -->\n"
    )
    done = canonry("spec", "done", "request", cwd=checkout)
    assert "warning: 1 of its 2 criteria are not ticked." in done.stderr
    assert "<!-- canon:system:1 status:done -->" in spec(checkout)
    assert canonry("spec", "done", "nothing", cwd=checkout).returncode == 4


def test_done_ticks_a_criterion_and_writes_its_evidence(canonry: RunCli, checkout: Path) -> None:
    done = canonry("spec", "done", "not-more", "--evidence", "PR#7 src/ledger.py:2", cwd=checkout)
    assert done.stdout == "docs/specs/refunds.md:22: [x] A refund MUST NOT exceed the payment\n"
    assert spec(checkout) == SPEC.replace(
        "- [ ] A refund MUST NOT exceed the payment {#not-more}\n",
        "- [x] A refund MUST NOT exceed the payment {#not-more}\n  <!-- canon:realized-in:PR#7 file:src/ledger.py:2 -->\n",
    )
    assert canonry("spec", "done", "not-more", "--evidence", "because", cwd=checkout).returncode == 2


def test_new_writes_a_spec_that_lint_likes_and_never_replaces_one(canonry: RunCli, checkout: Path) -> None:
    made = canonry("spec", "new", "--title", 'Pay: "outs"', "--owner", "ann", "--team", "payments", cwd=checkout)
    assert made.stdout == "docs/specs/pay-outs.md\n"
    assert canonry("spec", "lint", "--spec", "pay-outs", "--warnings-as-errors", cwd=checkout).stdout == ""
    assert json.loads(canonry("spec", "status", "--spec", "pay-outs", "--json", cwd=checkout).stdout)["specs"][0]["title"] == 'Pay: "outs"'
    again = canonry("spec", "new", "--title", 'Pay: "outs"', cwd=checkout)
    assert (again.returncode, "is there already" in again.stderr) == (5, True)
    assert canonry("spec", "new", "--title", 'Pay: "outs"', "--force", "--type", "adr", cwd=checkout).returncode == 0
    assert canonry("spec", "new", "--title", "x", "--type", "novel", cwd=checkout).returncode == 2
    elsewhere = canonry("spec", "new", "--title", "Elsewhere", "--output", "a.md", cwd=checkout)
    assert "does not count as a spec" in elsewhere.stderr


@pytest.mark.contract("Canon", "CLI lint, status, tasks, start, done, search, verify --gate")
def test_search_finds_headings_before_text_and_ends_with_1_without_a_hit(canonry: RunCli, checkout: Path) -> None:
    found = json.loads(canonry("spec", "search", "approv", "--json", cwd=checkout).stdout)
    assert [(item["section_id"], item["score"]) for item in found["results"]] == [("2-approval", 4.5)]
    assert json.loads(canonry("spec", "search", "customer money", "--json", cwd=checkout).stdout)["results"][0]["score"] == 0.5
    assert "docs/specs/refunds.md:14: 1. Request" in canonry("spec", "search", "ledger", cwd=checkout).stdout
    assert canonry("spec", "search", "customer", "money", "--json", cwd=checkout).returncode == 0
    some = json.loads(canonry("spec", "search", "customer money zebra", "--json", cwd=checkout).stdout)
    assert (some["relaxed"], found["relaxed"]) == (True, False)
    assert "None has every word" in canonry("spec", "search", "customer money zebra", cwd=checkout).stderr
    for query in ("nothing of it", '"a AND (', "*", "\\"):
        assert canonry("spec", "search", query, cwd=checkout).returncode == 1


@pytest.mark.parametrize("command", ["lint", "status", "tasks"])
def test_a_checkout_without_specs_is_told_where_they_were_looked_for(canonry: RunCli, checkout: Path, command: str) -> None:
    (checkout / "docs/specs/refunds.md").unlink()
    done = canonry("spec", command, cwd=checkout)
    assert (done.returncode, done.stderr) == (0, "There are no specs at docs/specs/*.md. `canonry spec new` makes one.\n")


@pytest.mark.contract("Canon", "CLI lint, status, tasks, start, done, search, verify --gate")
@pytest.mark.criterion("living-specs#gate")
def test_verify_says_what_speaks_for_each_criterion(canonry: RunCli, checkout: Path) -> None:
    (checkout / "tests").mkdir()
    (checkout / "tests/test_refunds.py").write_text('@criterion("refunds#second-person")\ndef test_it(): ...\n')
    judged = json.loads(canonry("spec", "verify", "--json", cwd=checkout).stdout)
    assert [(item["id"], item["state"]) for item in judged["criteria"]] == [
        ("not-more", "not_started"), (judged["criteria"][1]["id"], "evidence"), ("second-person", "proved"),
    ]  # fmt: skip
    assert judged["passed"]
    assert canonry("spec", "verify", "--gate", cwd=checkout).returncode == 1
    assert canonry("spec", "verify", "--gate", "--section", "2", cwd=checkout).returncode == 0
    assert canonry("spec", "verify", "--gate", "--status", "done", "--proof", cwd=checkout).returncode == 0
    assert canonry("spec", "verify", "--section", "9", cwd=checkout).returncode == 2


@pytest.mark.criterion("living-specs#proof")
def test_proof_fails_on_broken_evidence_and_on_a_mark_that_names_nothing(canonry: RunCli, checkout: Path) -> None:
    (checkout / "test_it.py").write_text("# refunds#second-person\n")
    assert canonry("spec", "verify", "--proof", cwd=checkout).returncode == 0
    (checkout / "src/ledger.py").write_text("")
    broken = canonry("spec", "verify", "--proof", cwd=checkout)
    assert (broken.returncode, "broken (src/ledger.py)" in broken.stdout) == (1, True)
    (checkout / "docs/specs/refunds.md").write_text(SPEC.replace("file:src/ledger.py:1-2", "file:test_it.py"))
    (checkout / "test_it.py").write_text("# refunds#second-person refunds#gone\n")
    stray = canonry("spec", "verify", "--proof", cwd=checkout)
    assert (stray.returncode, "names refunds#gone, which is no criterion" in stray.stdout) == (1, True)


def test_diff_tells_sections_and_criteria(canonry: RunCli, checkout: Path) -> None:
    assert canonry("spec", "diff", cwd=checkout).stderr == "No spec changed.\n"
    changed = SPEC.replace("- [ ] A refund MUST NOT exceed the payment", "- [x] No refund MUST NOT exceed the whole payment")
    (checkout / "docs/specs/refunds.md").write_text(changed.replace("system:2 status:done", "system:2 status:todo"))
    (checkout / "docs/specs/more.md").write_text("---\ntitle: More\n---\n## 1. New\n- [ ] The new MUST be\n")
    shown = canonry("spec", "diff", cwd=checkout).stdout
    for line in (
        "  ~ section 2-approval: status: done -> todo",
        "  ~ criterion not-more: ticked",
        "(new) -> docs/specs/more.md",
        "  + section 1-new: 1. New",
    ):
        assert f"{line}\n" in shown
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "second")
    files = json.loads(canonry("spec", "diff", "HEAD~1", "HEAD", "--spec", "refunds", "--json", cwd=checkout).stdout)["files"]
    assert {(item["subject"], item["what"]) for item in files[0]["changes"]} == {
        ("section", "status"),
        ("criterion", "text"),
        ("criterion", "checked"),
    }
    assert canonry("spec", "diff", "--output=x", cwd=checkout).returncode == 2
    assert canonry("spec", "diff", "nowhere", cwd=checkout).returncode == 2


@pytest.mark.criterion("living-specs#history")
def test_history_follows_a_criterion_through_rewordings_and_renames(canonry: RunCli, checkout: Path) -> None:
    file = checkout / "docs/specs/refunds.md"
    file.write_text(
        SPEC.replace("A refund SHOULD be =SUM(1) shown in the ledger", "Every refund SHOULD be =SUM(1) shown in the big ledger")
    )
    git(checkout, "commit", "-qam", "reword")
    git(checkout, "mv", "docs/specs/refunds.md", "docs/specs/money-back.md")
    git(checkout, "commit", "-qm", "rename")
    other = checkout / "docs/specs/money-back.md"
    other.write_text(other.read_text().replace("- [x] Every refund", "- [ ] Every refund"))
    git(checkout, "commit", "-qam", "untick")
    name = json.loads(canonry("spec", "status", "--spec", "money", "--json", cwd=checkout).stdout)["specs"][0]["sections"][0][
        "acceptance_criteria"
    ][1]["id"]
    found = json.loads(canonry("spec", "history", "money-back", name, "--json", cwd=checkout).stdout)["history"]
    assert [(item["message"], item["author"], item["says"]) for item in found] == [
        ("first", "Ann", "[x] A refund SHOULD be =SUM(1) shown in the ledger"),
        ("reword", "Ann", "[x] Every refund SHOULD be =SUM(1) shown in the big ledger"),
        ("untick", "Ann", "[ ] Every refund SHOULD be =SUM(1) shown in the big ledger"),
    ]
    section = json.loads(canonry("spec", "history", "money-back", "2", "--json", cwd=checkout).stdout)["history"]
    assert [item["message"] for item in section] == ["first"]
    assert len(json.loads(canonry("spec", "history", "money-back", "--json", cwd=checkout).stdout)["history"]) == 3
    assert canonry("spec", "history", "money-back", "gone", cwd=checkout).returncode == 4
    assert canonry("spec", "history", "gone", cwd=checkout).returncode == 2


def test_export_is_the_same_twice_and_runs_nothing_in_a_spreadsheet(canonry: RunCli, checkout: Path, tmp_path: Path) -> None:
    first, second = (canonry("spec", "export", cwd=checkout).stdout for _ in range(2))
    assert first == second
    assert [section["id"] for section in json.loads(first)["specs"][0]["sections"]] == ["1-request", "2-approval"]
    (checkout / "docs/specs/refunds.md").write_text(SPEC.replace("- [x] A refund SHOULD be =SUM(1)", "- [x] =SUM(1) SHOULD be"))
    assert canonry("spec", "export", "--format", "csv", "--output", str(tmp_path / "out.csv"), cwd=checkout).returncode == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [row["text"] for row in rows] == [
        "A refund MUST NOT exceed the payment",
        "'=SUM(1) SHOULD be shown in the ledger",
        "A second person MUST approve",
    ]
    assert canonry("spec", "export", "--format", "xml", cwd=checkout).returncode == 2


@pytest.mark.criterion("living-specs#cache-harmless")
def test_a_second_look_comes_from_the_cache_and_says_the_same(canonry: RunCli, checkout: Path) -> None:
    file = checkout / "docs/specs/refunds.md"
    os.utime(file, (1_700_000_000, 1_700_000_000))
    first = canonry("spec", "status", "--json", cwd=checkout).stdout
    assert (checkout / ".git/canonry/specs.cache").exists()
    assert subprocess.run(["git", "-C", str(checkout), "status", "--porcelain"], capture_output=True, check=True).stdout == b""
    assert canonry("spec", "status", "--json", cwd=checkout).stdout == first
    file.write_text(SPEC.replace("status:todo", "status:done"))
    assert json.loads(canonry("spec", "status", "--json", cwd=checkout).stdout)["summary"]["done_sections"] == 2
    file.unlink()
    assert json.loads(canonry("spec", "status", "--json", cwd=checkout).stdout)["summary"]["total_specs"] == 0


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
@pytest.mark.criterion("living-specs#cache-harmless")
def test_a_broken_cache_is_made_anew(canonry: RunCli, checkout: Path, content: bytes) -> None:
    (checkout / ".git/canonry").mkdir()
    (checkout / ".git/canonry/specs.cache").write_bytes(content)
    for _ in range(2):
        assert json.loads(canonry("spec", "status", "--json", cwd=checkout).stdout)["summary"]["total_specs"] == 1


@pytest.mark.criterion("living-specs#bad-file-alone")
def test_one_bad_file_never_stops_the_others(canonry: RunCli, checkout: Path) -> None:
    bad = {
        "deep": b"---\ntitle: " + b"[" * 30_000 + b"\n---\n",
        "binary": b"\0\1",
        "latin": b"---\ntitle: \xff\n---\n",
        "huge": b"x" * (2 << 20),
        "empty": b"",
    }
    for name, content in bad.items():
        (checkout / f"docs/specs/{name}.md").write_bytes(content)
    (checkout / "docs/specs/link.md").symlink_to("/etc/passwd")
    found = json.loads(canonry("spec", "lint", "--json", cwd=checkout).stdout)
    assert {item["path"] for item in found["diagnostics"]} == {f"docs/specs/{name}.md" for name in bad}
    assert json.loads(canonry("spec", "status", "--json", cwd=checkout).stdout)["summary"]["total_specs"] == len(bad) + 1


def test_many_files_are_parsed_by_several_processes_to_the_same_end(canonry: RunCli, checkout: Path) -> None:
    for number in range(450):
        (checkout / f"docs/specs/s{number:03}.md").write_text(SPEC.replace("Refunds", f"Refunds é {number}"))
    many = json.loads(canonry("spec", "status", "--json", "--no-cache", cwd=checkout).stdout)
    assert [item["title"] for item in many["specs"]] == ["Refunds", *(f"Refunds é {number}" for number in range(450))]
    assert many["summary"]["total_ac"] == 3 * 451


@pytest.mark.parametrize(("issue", "config", "written"), [
    ("canonry:PAY-7", "", "canonry:PAY-7"), ("42", "", "github:42"),
    ("ann/shop#42", "", "github:ann/shop#42"), ("linear:ENG-1", "", "linear:ENG-1"),
    ("PAY-7", "ticket_systems:\n  board: {system: canonry, project: PAY}\n", "canonry:PAY-7"),
    ("PAY-7", "ticket_system: jira\n", "jira:PAY-7"),
])  # fmt: skip
def test_a_ticket_is_linked_where_it_lives(canonry: RunCli, checkout: Path, issue: str, config: str, written: str) -> None:
    (checkout / "CANON.yaml").write_text(config)
    assert canonry("spec", "start", "1", "--issue", issue, cwd=checkout).returncode == 0
    assert f"<!-- canon:ticket:{written} -->\n" in (checkout / "docs/specs/refunds.md").read_text()


@pytest.mark.parametrize(
    "issue", ["bogus", "PAY-7", "github:bogus", "trello:PAY-7", "jira:42", "jira:PAY-7-->x", "jira:", "canonry:jira:PAY-7", ""]
)
def test_a_ticket_that_is_none_changes_nothing(canonry: RunCli, checkout: Path, issue: str) -> None:
    before = (checkout / "docs/specs/refunds.md").read_text()
    ended = canonry("spec", "start", "1", "--issue", issue, cwd=checkout)
    assert (ended.returncode, "is no ticket" in ended.stderr) == (2, True)
    assert (checkout / "docs/specs/refunds.md").read_text() == before
