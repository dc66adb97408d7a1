"""Counting: the formula of coverage and the tasks."""

import pytest

from canonry.specs import State, parse
from canonry.specs.measures import Counts, count, tasks, total

BODY = """---
title: T
---
## 1. A
<!-- canon:system:1 status:done -->
- [x] a
<!-- canon:realized-in:PR#1 file:x -->
- [ ] b
### 1.1 B
<!-- canon:system:1.1 status:blocked:PAY-7 -->
<!-- canon:ticket:jira:PAY-9 -->
- [x] c
## 2. C
<!-- canon:system:2 status:todo -->
## 3. D
"""


@pytest.mark.criterion("living-specs#coverage-exact")
def test_the_figures_of_the_contract() -> None:
    assert Counts(10, 5, 20, 10, 4).summary() == {
        "total_sections": 10, "done_sections": 5, "total_ac": 20, "done_ac": 10, "realized_ac": 4,
        "section_coverage_pct": 50.0, "ac_coverage_pct": 50.0, "realization_rate_pct": 20.0, "health_score": 38.0,
    }  # fmt: skip


def test_nothing_gives_zeros() -> None:
    assert total([]).summary()["health_score"] == 0


@pytest.mark.criterion("living-specs#coverage-exact")
def test_health_is_made_of_the_parts_before_they_are_rounded() -> None:
    assert Counts(3, 1, 3, 1, 1).summary()["health_score"] == 33.3
    assert Counts(7, 2, 9, 4, 1).summary() == Counts(7, 2, 9, 4, 1).summary() | {"section_coverage_pct": 28.6, "health_score": 26.3}


def test_every_section_counts_children_and_drafts_too() -> None:
    assert count(parse(BODY)) == Counts(4, 1, 3, 2, 1)


def test_tasks_are_the_open_sections() -> None:
    document = parse(BODY)
    assert [(task.section_id, task.status, task.blocked_by, task.total_ac, task.done_ac, task.ticket_id) for task in tasks(document)] == [
        ("1.1-b", State.BLOCKED, "PAY-7", 1, 1, "PAY-9"), ("2-c", State.TO_DO, None, 0, 0, None),
    ]  # fmt: skip
    assert [task.title for task in tasks(document, [State.DONE])] == ["A"]
