"""Writes a corpus of specs: 6 KB files with 8 sections and 20 criteria each. The same seed gives the same bytes.

python -m bench.corpus FOLDER [--count 1000] [--git]
"""

import argparse
import random
import subprocess
from pathlib import Path

WORDS = """account address alert amount answer archive balance batch billing budget buffer cache charge client cluster code commit
configuration connection container control cookie customer dashboard database delay delivery deploy device digest domain editor
endpoint engine event export failure feature field filter format gateway group handler header history identity import index
invoice item journal key label language ledger limit link list load log mail member message method metric migration module monitor
network node notice number object offset operation order owner package page partner password payment permission plan platform
policy price process profile project queue quota record refund region release report request response retry role route rule
schedule schema search secret server service session setting shard signature snapshot source stage state store stream subscription
summary table tag task team template tenant ticket token total trace transfer trigger user value variable vendor version volume
warning webhook window worker zone""".split()  # noqa: SIM905 -- a list of words is easier to read so
_STATES = ("draft", "todo", "in_progress", "in_progress", "done", "done", "done", "blocked:OPS-7")
_TEAMS = ("payments", "platform", "growth", "identity", "data")
_STRENGTHS = ("MUST", "MUST", "MUST NOT", "SHOULD", "MAY")


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--git", action="store_true", help="make a repository with one commit of it")
    chosen = parser.parse_args()
    write(chosen.folder, chosen.count, is_repository=chosen.git)


def write(folder: Path, count: int, *, is_repository: bool = False) -> None:
    """Write so many specs below `folder`/docs/specs, and a CANON.yaml. is_repository: commit them."""
    specs = folder / "docs" / "specs"
    specs.mkdir(parents=True)
    (folder / "CANON.yaml").write_text('version: "1"\nteam: platform\nspecs:\n  doc_paths:\n    - docs/specs/*.md\n')
    for number in range(count):
        (specs / f"spec-{number:05}.md").write_text(spec(number, count))
    if is_repository:
        for words in (("init", "-q", "-b", "main"), ("add", "-A"),
                      ("-c", "user.name=Bench", "-c", "user.email=bench@localhost", "commit", "-qm", "specs")):  # fmt: skip
            subprocess.run(["git", "-C", str(folder), *words], check=True)


def spec(number: int, count: int = 1000) -> str:
    """Return the text of one spec."""
    words = _Words(random.Random(number))
    team = _TEAMS[number % len(_TEAMS)]
    lines = ["---", f"title: {words.title()} {number}", f"status: {words.random.choice(_STATES).split(':')[0]}", "type: spec",
             f"owner: person-{number % 40}", f"team: {team}", "created: 2026-01-07", "updated: 2026-11-20",
             f"tags: [{words.pick()}, {words.pick()}]"]  # fmt: skip
    if number:
        lines.append(f"depends_on: [spec-{words.random.randrange(min(number, count)):05}]")
    lines += ["---", "", f"# {words.title()}", "", words.sentence(30), ""]
    for section, criteria in enumerate((2, 3, 2, 3, 2, 3, 2, 3), 1):
        lines += _section(words, number, section, criteria)
    return "\n".join(lines) + "\n"


def _section(words: "_Words", number: int, section: int, criteria: int) -> list[str]:
    lines = [f"## {section}. {words.title()}", "", f"<!-- canon:system:{section} status:{words.random.choice(_STATES)} -->"]
    if section % 3 == 0:
        lines.append(f"<!-- canon:ticket:jira:OPS-{number * 10 + section} url:https://tracker.example/OPS-{number * 10 + section} -->")
    lines += ["", words.sentence(28), ""]
    if section == 2:
        lines += [f"| {words.pick()} | {words.pick()} |", "|---|---|", *(f"| {words.pick()} | {words.sentence(4)} |" for _ in range(3)), ""]
    if section == 5:
        lines += ["```python", f"def {words.pick()}():", f"    return {number}  # - [ ] not a criterion", "```", ""]
    if section == 7:
        lines += ["#### Scenario: " + words.title(), "", f"- GIVEN {words.sentence(6)}", f"- WHEN {words.sentence(5)}",
                  f"- THEN {words.sentence(6)}", ""]  # fmt: skip
    lines += ["### Acceptance Criteria", ""]
    for _ in range(criteria):
        done = words.random.random() < 0.5
        text = f"The {words.pick()} {words.random.choice(_STRENGTHS)} {words.sentence(9).lower()}"
        lines.append(f"- [{'x' if done else ' '}] {text}")
        if done and words.random.random() < 0.4:
            lines.append(f"  <!-- canon:realized-in:PR#{number % 900 + 1} file:src/{words.pick()}.py:{section * 10}-{section * 10 + 7} -->")
    return [*lines, ""]


class _Words:
    """Words as they come in real text: few of them often."""

    def __init__(self, source: random.Random) -> None:
        self.random = source

    def pick(self) -> str:
        return WORDS[int(len(WORDS) ** self.random.random()) - 1]

    def title(self) -> str:
        return f"{self.pick()} {self.pick()}".capitalize()

    def sentence(self, length: int) -> str:
        return " ".join(self.pick() for _ in range(length)).capitalize() + "."


if __name__ == "__main__":
    main()
