"""Lists of specs that are written piece by piece are those that would be written whole."""

from pathlib import Path

import pytest

from canonry.features.dashboard.schemas import DashboardAnswer
from canonry.features.specs import listing
from canonry.features.specs.models import Summary, Written
from canonry.features.specs.schemas import RepoSummary
from tests.support.api import Api
from tests.support.specs import spec_repository

_SPEC = (
    "---\ntitle: {title}\nteam: growth\ntags: [a, B]\n---\n\n## 1. Refunds\n\n<!-- canon:system:1 status:done -->\n\n- [x] One\n- [ ] Two\n"
)


def _titles(api: Api) -> list[str]:
    """Return the titles of the one repository with specs, which both answers have to say alike and as their models do."""
    whole = api.ask("GET", "/app/ada/api/dashboard").json
    assert DashboardAnswer.model_validate(whole, strict=True).model_dump(mode="json") == whole
    one = api.ask("GET", "/app/ada/api/repos/ada/handbook").json
    assert RepoSummary.model_validate(one, strict=True).model_dump(mode="json") == one
    assert [item for item in whole["repos_with_specs"] + whole["repos_without_specs"] if item["repo"] == "handbook"] == [one]
    assert whole["total_specs"] == one["spec_count"] == len(one["specs"])
    return [item["title"] for item in one["specs"]]


def test_whatever_is_pushed_the_lists_are_of_now(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = listing._written

    def seen(row: Summary) -> Written:
        written.append(row.title)
        return write(row)

    monkeypatch.setattr(listing, "_written", seen)
    handbook = spec_repository(api, tmp_path)
    assert _titles(api) == []
    handbook.push({f"docs/specs/{name}.md": _SPEC.format(title=name) for name in "bd"} | {"README.md": "# Shop"})
    assert _titles(api) == ["b", "d"]
    handbook.push({"docs/specs/a.md": _SPEC.format(title="a"), "docs/specs/d.md": _SPEC.format(title="D")})
    assert _titles(api) == ["a", "b", "D"]
    assert sorted(written) == ["D", "a", "b", "d"]
    handbook.person.git("rm", "-q", "docs/specs/b.md")
    handbook.push({"docs/specs/c.md": _SPEC.format(title="c")})
    assert _titles(api) == ["a", "c", "D"]
    assert written[-1] == "c"
    assert len(written) == 5


def test_another_organization_and_another_project_have_lists_of_their_own(api: Api, tmp_path: Path) -> None:
    spec_repository(api, tmp_path).push({"docs/specs/pay.md": _SPEC.format(title="Pay")})
    assert _titles(api) == ["Pay"]
    other = api.somebody()
    shown = api.ask("GET", f"/app/{other.handle}/api/dashboard", token=next(iter(other.tokens.values()))).json
    assert (shown["total_specs"], shown["repos_with_specs"]) == (0, [])
    bound = api.ask("POST", "/v1/tokens", {"name": "bound", "scope": "read", "project": api.project("shop")}).json["token"]
    shown = api.ask("GET", "/app/ada/api/dashboard", token=bound).json
    assert (shown["total_specs"], shown["repos_with_specs"]) == (0, [])
