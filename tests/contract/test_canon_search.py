"""Canon's row about the search, and that nothing in a query breaks it."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.features.specs.conftest import LOGIN
from tests.support.api import Api
from tests.support.specs import SpecRepository, spec_repository

PAY = """---
title: Payments
status: done
team: Billing
tags: [money]
---

## 1. Refunds

<!-- canon:system:1 status:todo -->

A refund goes back to where the money came from. Passwords play no part here, but a webhook retry does.

- [ ] A refund MUST be idempotent & <b>safe</b>
"""


@pytest.fixture
def handbook(api: Api, tmp_path: Path) -> SpecRepository:
    made = spec_repository(api, tmp_path)
    made.push({"docs/specs/login.md": LOGIN, "docs/specs/pay.md": PAY, "README.md": "# Shop\n\nWe sell shoes.\n"})
    return made


def _titles(api: Api, query: str) -> list[str]:
    return [item["title"] for item in api.get(f"/app/ada/api/search?{query}")["results"]]


@pytest.mark.contract("Canon", "GET /app/{org}/api/search")
def test_a_heading_weighs_more_than_text_and_filters_narrow(api: Api, handbook: SpecRepository) -> None:
    assert handbook.id
    found = api.get("/app/ada/api/search?q=passwords")
    assert [item["title"] for item in found["results"]] == ["Login", "Payments"]
    assert found["results"][0]["heading"] == "1. Passwords"
    assert found["results"][0]["score"] > found["results"][1]["score"]
    assert (found["total"], len(api.get("/app/ada/api/search?q=passwords&limit=1")["results"])) == (2, 1)
    assert api.get("/app/ada/api/search?q=passwords&limit=1&offset=1")["total"] == 2
    assert found["facets"]["status"] == {"done": 1, "in_progress": 1}
    assert found["facets"]["repo"] == {"ada/handbook": 2}
    assert (found["facets"]["team"], found["facets"]["tag"]) == ({"Billing": 1, "identity": 1}, {"auth": 1, "money": 1, "web": 1})
    assert _titles(api, "q=passwords&team=billing") == ["Payments"]
    assert _titles(api, "q=passwords&team=billing&tag=auth") == []
    assert _titles(api, "q=passwords&tag=WEB&repo=ada/handbook") == ["Login"]
    assert _titles(api, "q=passwords&status=todo") == ["Login", "Payments"]  # a section of each
    assert _titles(api, "q=passwords&status=in_progress") == ["Login"]
    assert _titles(api, "q=&team=identity") == ["Login"]
    assert api.get("/app/ada/api/search")["results"][0]["score"] is None
    statuses = [api.ask("GET", "/app/ada/api/search?q=x") for _ in range(60)]
    limited = next(answer for answer in statuses if answer.status == 429)
    assert int(limited.headers["retry-after"]) > 0


def test_beginnings_forms_and_slips_of_a_word_find_it(api: Api, handbook: SpecRepository) -> None:
    assert handbook.id
    assert _titles(api, "q=refun") == ["Payments"]
    assert _titles(api, "q=retries") == ["Payments"]
    slip = api.get("/app/ada/api/search?q=pasword")
    assert [item["title"] for item in slip["results"]] == ["Login", "Payments"]
    assert slip["corrected"] == {"pasword": ["password"]}
    assert _titles(api, "q=the") == []
    assert _titles(api, "q=shoes") == ["Shop"]


def test_where_nothing_has_every_word_most_of_them_do(api: Api, handbook: SpecRepository) -> None:
    handbook.push({"docs/notes.md": "---\ntitle: Notes\n---\n\nOf shoes.\n\n# A day\n\n## Webhooks\n\nEach **retry** waits longer <i>.\n"})
    found = api.get("/app/ada/api/search?q=refund%20webhook%20shoes")
    assert ([item["title"] for item in found["results"]], found["total"], found["relaxed"]) == (["Payments", "Notes"], 2, True)
    assert api.get("/app/ada/api/search?q=refund%20webhook%20shoes&limit=1&offset=1")["results"][0]["title"] == "Notes"
    assert [item["title"] for item in api.get("/app/ada/api/search?q=refund%20webhook%20shoes&team=billing")["results"]] == ["Payments"]
    whole = api.get("/app/ada/api/search?q=refund%20webhook")
    assert (len(whole["results"]), whole["relaxed"]) == (1, False)
    assert api.get("/app/ada/api/search?q=zzzz%20qqqq")["relaxed"] is False, "nothing has any of them"


def test_documents_that_are_no_specs_show_the_place_that_fits(api: Api, handbook: SpecRepository) -> None:
    handbook.push({"docs/notes.md": "# A day\n\nFirst.\n\n```\n# no heading\n```\n\n## Webhooks\n\nEach **lapse** waits <i>longer.\n"})
    (found,) = api.get("/app/ada/api/search?q=lapse")["results"]
    assert (found["heading"], found["line"], found["section_id"]) == ("Webhooks", 9, None)
    assert "Each **<mark>lapse</mark>** waits &lt;i&gt;longer." in found["snippet"]
    (shop,) = api.get("/app/ada/api/search?q=shoes")["results"]
    assert (shop["heading"], shop["snippet"]) == ("Shop", "We sell <mark>shoes</mark>.")


def test_what_is_marked_is_escaped_first(api: Api, handbook: SpecRepository) -> None:
    assert handbook.id
    snippet = api.get("/app/ada/api/search?q=idempotent")["results"][0]["snippet"]
    assert "<mark>idempotent</mark> &amp; &lt;b&gt;safe&lt;/b&gt;" in snippet
    assert "canon:system" not in api.get("/app/ada/api/search?q=refunds")["results"][0]["snippet"]


_NASTY = [
    "'",
    '"',
    "foo & | !",
    "(",
    "a:*",
    "<->",
    "\\",
    "%",
    "_",
    "a'b",
    "NOT",
    "AND OR",
    "-x",
    "$1",
    "%s",
    "\0",
    "İ",
    "ß",
    "😀",
    "a" * 900,
    ":A",
    "''':*",
]


@pytest.mark.parametrize("q", _NASTY)
def test_nothing_in_a_query_breaks_it(api: Api, handbook: SpecRepository, q: str) -> None:
    assert handbook.id
    answer = api.ask("GET", f"/app/ada/api/search?q={quote(q)}")
    assert answer.status == 200, answer.body


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(q=st.text(max_size=40), status=st.text(max_size=10))
@pytest.mark.criterion("living-specs#any-words")
def test_no_text_at_all_breaks_it(api: Api, handbook: SpecRepository, q: str, status: str) -> None:
    from canonry.core.access import PERMISSIONS, Actor, Scope  # noqa: PLC0415
    from canonry.features.search.models import Wanted  # noqa: PLC0415
    from canonry.features.search.service import search  # noqa: PLC0415 -- below the rate limit

    clean = q.replace("\0", "").encode("utf-8", "replace").decode()
    actor = Actor("", api.owner.organization_id, "ada", PERMISSIONS[Scope.READ])
    with api.container.transactions.begin() as tx:
        found = search(
            tx, actor, api.container.home, Wanted(clean, status=status.replace("\0", "").encode("utf-8", "replace").decode() or None)
        )
    assert found.total >= len(found.results)
    assert handbook.id
