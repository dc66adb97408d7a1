"""Canon's rows about coverage, the dashboard and the welcome page."""

from datetime import timedelta
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from canonry.core.clock import now
from canonry.features.coverage import take_snapshots
from tests.features.specs.conftest import LOGIN
from tests.support.api import Api
from tests.support.specs import spec_repository


def _spec(sections: int, done: int, criteria: int, ticked: int, realized: int, team: str = "") -> str:
    """Return a spec with these counts; all criteria stand in the first section."""
    lines = ["---", "title: Counted", f"team: {team}", "---", ""]
    for number in range(1, sections + 1):
        lines += [f"## {number}. Part", "", f"<!-- canon:system:{number} status:{'done' if number <= done else 'todo'} -->", ""]
        if number == 1:
            for item in range(criteria):
                lines.append(f"- [{'x' if item < ticked else ' '}] Criterion number {item}")
                if item < realized:
                    lines.append(f"  <!-- canon:realized-in:PR#{item + 1} file:src/a.py -->")
            lines.append("")
    return "\n".join(lines)


@pytest.mark.contract("Canon", "GET /app/{org}/api/coverage")
def test_the_formula_is_exact(api: Api, tmp_path: Path) -> None:
    zeros = api.get("/app/ada/api/coverage")
    assert set(zeros["summary"].values()) == {0}
    assert (zeros["trend"], zeros["breakdown_by_repo"], zeros["breakdown_by_team"]) == ([], {}, {})
    handbook = spec_repository(api, tmp_path)
    handbook.push({"docs/specs/a.md": _spec(10, 5, 20, 10, 4, "Core"), "README.md": "## Not\n- [x] counted\n"})
    summary = api.get("/app/ada/api/coverage")["summary"]
    assert summary == {
        "total_sections": 10, "done_sections": 5, "total_ac": 20, "done_ac": 10, "realized_ac": 4,
        "section_coverage_pct": 50.0, "ac_coverage_pct": 50.0, "realization_rate_pct": 20.0, "health_score": 38.0,
    }  # fmt: skip
    other = spec_repository(api, tmp_path, "other")
    other.push({"docs/specs/b.md": _spec(3, 1, 0, 0, 0, "edge"), "docs/specs/c.md": _spec(3, 3, 3, 1, 0)})
    whole = api.get("/app/ada/api/coverage")
    assert (whole["summary"]["total_sections"], whole["summary"]["section_coverage_pct"]) == (16, 56.2)
    assert {name: item["total_sections"] for name, item in whole["breakdown_by_repo"].items()} == {"ada/handbook": 10, "ada/other": 6}
    assert {name: item["total_sections"] for name, item in whole["breakdown_by_team"].items()} == {"Core": 10, "edge": 3}
    assert api.get("/app/ada/api/coverage?repo=ADA/other")["summary"]["total_sections"] == 6
    assert api.get("/app/ada/api/coverage?team=EDGE")["summary"]["total_sections"] == 3
    assert api.get("/app/ada/api/coverage?team=nobody")["summary"]["health_score"] == 0
    for days in ("0", "4000", "x"):
        assert api.ask("GET", f"/app/ada/api/coverage?days={days}").status == 422


@pytest.mark.contract("Canon", "coverage snapshots")
def test_one_snapshot_a_day_makes_the_trend(api: Api, tmp_path: Path) -> None:
    handbook = spec_repository(api, tmp_path)
    handbook.push({"docs/specs/a.md": _spec(4, 1, 2, 0, 0, "core"), "docs/specs/b.md": _spec(2, 2, 0, 0, 0)})
    take_snapshots(api.container.transactions)
    with api.container.transactions.begin() as tx:  # as if it had been taken the day before
        tx.connection.execute("UPDATE coverage_snapshots SET day = day - 1")
        tx.connection.execute("UPDATE coverage_days SET day = day - 1")
    handbook.push({"docs/specs/a.md": _spec(4, 3, 2, 1, 0, "core")})
    trend = api.get("/app/ada/api/coverage")["trend"]
    today = now().date()
    assert [(point["date"], point["total_sections"], point["done_sections"], point["done_ac"]) for point in trend] == [
        ((today - timedelta(days=1)).isoformat(), 6, 3, 0), (today.isoformat(), 6, 5, 1),
    ]  # fmt: skip
    assert [point["total_sections"] for point in api.get("/app/ada/api/coverage?team=core")["trend"]] == [4, 4]
    assert len(api.get("/app/ada/api/coverage?days=1")["trend"]) == 1
    handbook.person.git("rm", "-q", "docs/specs/b.md")
    handbook.push({})
    assert api.get("/app/ada/api/coverage?days=1")["trend"][0]["total_sections"] == 4
    for _ in range(2):
        take_snapshots(api.container.transactions)
    assert [point["total_sections"] for point in api.get("/app/ada/api/coverage")["trend"]] == [6, 4]
    with api.container.transactions.begin() as tx:
        sums = "SELECT day, sum(total_sections), sum(done_ac) FROM {} GROUP BY day ORDER BY day"
        days, specs = (
            tx.connection.execute(SQL(sums).format(Identifier(table))).fetchall() for table in ("coverage_days", "coverage_snapshots")
        )
    assert days == specs
    assert [row[1] for row in days] == [6, 4]


@pytest.mark.contract("Canon", "GET /app/{org}/api/dashboard")
def test_the_dashboard_splits_repositories_and_adds_up(api: Api, tmp_path: Path) -> None:
    handbook = spec_repository(api, tmp_path)
    handbook.push({"docs/specs/login.md": LOGIN, "docs/specs/pay.md": LOGIN, "README.md": "# Shop"})
    spec_repository(api, tmp_path, "empty")
    shown = api.get("/app/ada/api/dashboard")
    assert [item["full_name"] for item in shown["repos_with_specs"]] == ["ada/handbook"]
    assert [item["full_name"] for item in shown["repos_without_specs"]] == ["ada/empty"]
    specs = shown["repos_with_specs"][0]["specs"]
    for name in ("total_sections", "done_sections", "total_ac", "done_ac", "realized_ac"):
        assert shown[name] == sum(item[name] for item in specs) > 0
    assert (shown["org"], shown["total_specs"], shown["total_repos"], shown["total_docs"]) == ("ada", 2, 2, 1)


@pytest.mark.contract("Canon", "GET /app/{org}/api/welcome")
def test_the_welcome_page_ticks_what_was_done(api: Api, tmp_path: Path) -> None:
    def state() -> tuple[bool, bool]:
        shown = api.get("/app/ada/api/welcome")
        assert shown["user_name"]
        return shown["app_installed"], shown["has_specs"]

    assert state() == (False, False)
    handbook = spec_repository(api, tmp_path)
    assert state() == (True, False)
    handbook.push({"docs/specs/login.md": LOGIN})
    assert state() == (True, True)
