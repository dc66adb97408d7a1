"""What there is to do, as it is written for the API, and that it is never of an earlier state."""

from pathlib import Path

from canonry.features.specs.schemas import TasksAnswer
from tests.support.api import Api
from tests.support.specs import spec_repository

_SPEC = """---
title: "Pay \\\\"now\\\\" ü"
---

## 1. Refunds

<!-- canon:system:1 status:{state} -->
<!-- canon:ticket:jira:OPS-1 url:https://tracker.example/OPS-1 -->

- [ ] A refund MUST be paid within 3 days
- [x] A refund MAY be partial
"""


def test_the_answer_is_what_the_api_says_it_is(api: Api, tmp_path: Path) -> None:
    spec_repository(api, tmp_path).push({"docs/specs/pay.md": _SPEC.format(state="blocked:OPS-7")})
    for query in ("", "?expand=acs", "?status=done"):
        answer = api.ask("GET", f"/app/ada/api/tasks{query}").json
        assert TasksAnswer.model_validate(answer, strict=True).model_dump(mode="json") == answer
    task = api.ask("GET", "/app/ada/api/tasks?expand=acs").json["tasks"][0]
    assert [(item["text"], item["checked"]) for item in task["acceptance_criteria"]] == [
        ("A refund MUST be paid within 3 days", False), ("A refund MAY be partial", True),
    ]  # fmt: skip
    assert (task["repo_owner"], task["ticket_id"], task["blocked_by"], task["spec_file_path"]) == (
        "ada", "OPS-1", "OPS-7", "docs/specs/pay.md",
    )  # fmt: skip


def test_a_push_and_another_name_of_the_repository_are_seen_at_once(api: Api, tmp_path: Path) -> None:
    handbook = spec_repository(api, tmp_path)
    handbook.push({"docs/specs/pay.md": _SPEC.format(state="todo")})
    assert [item["status"] for item in api.ask("GET", "/app/ada/api/tasks").json["tasks"]] == ["todo"]
    handbook.push({"docs/specs/pay.md": _SPEC.format(state="in_progress")})
    assert [item["status"] for item in api.ask("GET", "/app/ada/api/tasks").json["tasks"]] == ["in_progress"]
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE repositories SET name = 'manual' WHERE name = 'handbook'")
    assert [item["repo_name"] for item in api.ask("GET", "/app/ada/api/tasks").json["tasks"]] == ["manual"]
    handbook.push({"docs/specs/pay.md": _SPEC.format(state="done")})
    assert api.ask("GET", "/app/ada/api/tasks").json == {"tasks": [], "total": 0}
