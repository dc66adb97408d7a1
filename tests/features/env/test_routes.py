"""Variables over HTTP."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.core.access import Scope
from canonry.features import env
from canonry.features.env.rules import MASK
from tests.support.api import SITE, Answer, Api

CANARY = "canary-b7c1-value"


def put(api: Api, slug: str, **body: object) -> Answer:
    return api.ask("POST", f"/v1/projects/{slug}/env", body)


def listed(api: Api, slug: str, query: str = "") -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["environment"], row["key"]): row for row in api.get(f"/v1/projects/{slug}/env{query}")["variables"]}


class TestSet:
    @pytest.mark.parametrize("environment", ["production", "preview", "all", "preview/feature/x"])
    def test_a_key_is_set_for_one_environment_and_never_shown(self, api: Api, environment: str) -> None:
        slug = api.project()
        made = put(api, slug, key="API_KEY", value=CANARY, environment=environment)
        assert made.status == 201
        assert CANARY.encode() not in made.body
        row = made.json["variable"]
        assert {name: row[name] for name in ("key", "environment", "value", "sensitive", "build", "run")} == {
            "key": "API_KEY", "environment": environment, "value": None, "sensitive": True, "build": True, "run": True,
        }  # fmt: skip
        assert (made.json["key"], made.json["value"], made.json["secret"], made.json["scope"]) == ("API_KEY", MASK, True, environment)
        assert (row["updated_by"], len(row["digest"])) == (api.owner.user_id, 12)
        assert listed(api, slug) == {(environment, "API_KEY"): row}

    def test_the_same_key_and_environment_again_is_a_conflict_that_changes_nothing(self, api: Api) -> None:
        slug = api.project()
        put(api, slug, key="A", value="one", environment="production")
        before = listed(api, slug)
        assert put(api, slug, key="A", value="two", environment="production").error == (409, "env_exists")
        assert listed(api, slug) == before
        assert put(api, slug, key="A", value="two", environment="preview").status == 201

    def test_without_an_environment_it_is_for_all(self, api: Api) -> None:
        slug = api.project()
        put(api, slug, key="A", value="1")
        assert list(listed(api, slug)) == [("all", "A")]

    def test_one_that_is_not_sensitive_is_shown(self, api: Api) -> None:
        slug = api.project()
        made = put(api, slug, key="LEVEL", value="debug", sensitive=False, build=False)
        assert (made.json["value"], made.json["variable"]["value"], made.json["variable"]["build"]) == ("debug", "debug", False)

    @pytest.mark.parametrize("key", ["PORT", "PATH", "HOME", "VIRTUAL_ENV", "CANONRY_X", "canonry_x", "CANONRY_PROJECT"])
    def test_what_canonry_sets_itself_is_refused(self, api: Api, key: str) -> None:
        answer = put(api, api.project(), key=key, value="1")
        assert (answer.error, answer.json["issues"][0]["path"]) == ((400, "reserved_key"), "body.key")

    @pytest.mark.parametrize("key", ["", "1A", "A-B", "A B", "A=B", "ä", "A" * 201, "A\n", "A\0", " A"])
    def test_a_key_that_is_none_is_refused(self, api: Api, key: str) -> None:
        answer = put(api, api.project(), key=key, value="1")
        assert (answer.status, answer.json["issues"][0]["path"]) == (400, "body.key")

    @pytest.mark.parametrize("value", ["a\0b", "x" * (64 * 1024 + 1), "ü" * (32 * 1024 + 1), MASK, 5, True, None, ["a"], {"a": "b"}])
    def test_a_value_that_no_program_can_be_given_is_refused_and_not_repeated(self, api: Api, value: object) -> None:
        slug = api.project()
        answer = put(api, slug, key="A", value=value)
        assert answer.status == 400
        assert len(answer.body) < 2000
        assert listed(api, slug) == {}

    def test_a_lone_surrogate_is_refused(self, api: Api) -> None:
        slug = api.project()
        for body in (
            b'{"key": "A", "value": "\\ud800"}',
            b'{"vars": {"A\\ud800": "1"}}',
            b'{"key": "A", "value": "1", "scope": "preview/\\ud800"}',
        ):
            answer = api.ask("POST", f"/v1/projects/{slug}/env", raw=body, headers={"Content-Type": "application/json"})
            assert answer.status == 400

    @pytest.mark.parametrize("value", ["", " ", "x" * 64 * 1024, "a\nb\r\n", "ünï ✓ 💥", "'\"$`\\", "••• not only •••"])
    def test_every_other_value_is_kept_as_it_is(self, api: Api, value: str) -> None:
        slug = api.project()
        assert put(api, slug, key="A", value=value, sensitive=False).json["value"] == value

    @pytest.mark.parametrize(
        "environment", ["", "prod", "Production", "preview/", "preview/a..b", "preview/-x", "all/x", "x" * 300, "preview/a b"]
    )
    def test_an_environment_that_is_none_is_refused_with_its_place(self, api: Api, environment: str) -> None:
        slug = api.project()
        for field in ("environment", "scope"):
            answer = put(api, slug, key="A", value="1", **{field: environment})
            assert (answer.status, answer.json["issues"][0]["path"]) == (400, f"body.{field}")
        assert api.ask("GET", f"/v1/projects/{slug}/env?environment={environment.replace(' ', '%20')}").status == 400

    @pytest.mark.parametrize(
        "body",
        [
            {}, {"key": "A"}, {"value": "1"}, {"vars": {}}, {"vars": {"A": "1"}, "key": "A", "value": "1"}, {"vars": []}, {"vars": None},
            {"key": "A", "value": "1", "extra": 1}, {"key": "A", "value": "1", "scope": "all", "environment": "production"},
            {"key": "A", "value": "1", "secret": True, "sensitive": False}, {"key": "A", "value": "1", "sensitive": "yes"}, [], "A=1", None,
        ],
    )  # fmt: skip
    def test_a_body_of_no_form_is_refused(self, api: Api, body: object) -> None:
        slug = api.project()
        answer = api.ask("POST", f"/v1/projects/{slug}/env", body, headers={"Content-Type": "application/json"})
        assert answer.error == (400, "validation_failed")
        assert listed(api, slug) == {}

    def test_more_than_a_program_can_be_started_with_is_refused_whole(self, api: Api) -> None:
        slug = api.project()
        big = {f"KEY_{number}": "x" * 60_000 for number in range(20)}
        answer = api.ask("POST", f"/v1/projects/{slug}/env/import", {"text": "".join(f"K{number}=1\n" for number in range(1001))})
        assert answer.error == (413, "too_many_variables")
        for key, value in list(big.items())[:17]:
            assert put(api, slug, key=key, value=value).status == 201
        assert put(api, slug, key="LAST", value="x" * 60_000).error == (413, "too_many_variables")
        assert len(listed(api, slug)) == 17


class TestUpsert:
    def test_vars_sets_every_key_and_says_what_changed(self, api: Api) -> None:
        slug = api.project()
        put(api, slug, key="A", value="1")
        answer = put(api, slug, vars={"A": "2", "B": "3"})
        assert (answer.status, [(row["key"], row["change"]) for row in answer.json["changes"]]) == (200, [("A", "changed"), ("B", "added")])
        assert answer.json["changes"][0]["was"] != answer.json["changes"][0]["digest"] == listed(api, slug)["all", "A"]["digest"]
        assert put(api, slug, vars={"A": "2"}).json["changes"][0]["change"] == "unchanged"
        assert put(api, slug, vars={"C": "2"}).status == 201

    @pytest.mark.parametrize("bad", [{"1": "x"}, {"PORT": "1"}, {"B": "a\0b"}, {"B": 5}, {"B": None}])
    def test_vars_sets_nothing_when_one_is_bad(self, api: Api, bad: dict[str, object]) -> None:
        slug = api.project()
        put(api, slug, key="A", value="1")
        before = listed(api, slug)
        answer = put(api, slug, vars={"A": "changed", "C": "new", **bad})
        assert answer.status == 400
        assert answer.json["issues"][0]["path"] == f"body.vars.{next(iter(bad))}"
        assert listed(api, slug) == before

    def test_scope_or_secret_beside_a_key_changes_what_is_there(self, api: Api) -> None:
        slug = api.project()
        assert put(api, slug, key="A", value="1", scope="production").status == 201
        changed = put(api, slug, key="A", value="2", scope="production", secret=False)
        assert (changed.status, changed.json["value"], changed.json["secret"]) == (200, "2", False)
        kept = put(api, slug, key="A", value="3", scope="production")
        assert (kept.json["value"], kept.json["secret"]) == ("3", False)

    def test_equal_values_have_equal_digests_within_a_project_only(self, api: Api) -> None:
        one, other = api.project(), api.project()
        for slug in (one, other):
            put(api, slug, vars={"A": "same", "B": "same", "C": "another"})
        rows, others = listed(api, one), listed(api, other)
        assert rows["all", "A"]["digest"] == rows["all", "B"]["digest"] != rows["all", "C"]["digest"]
        assert others["all", "A"]["digest"] != rows["all", "A"]["digest"]


class TestChange:
    def test_a_value_changes_in_one_environment_only(self, api: Api) -> None:
        slug = api.project()
        for environment in ("production", "preview"):
            put(api, slug, key="A", value="1", environment=environment)
        before = listed(api, slug)
        assert api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"value": "2", "environment": "preview"}).status == 200
        after = listed(api, slug)
        assert after["production", "A"] == before["production", "A"]
        assert after["preview", "A"]["digest"] != before["preview", "A"]["digest"]
        assert after["preview", "A"]["updated_at"] > before["preview", "A"]["updated_at"]

    def test_which_one_must_be_said_when_there_are_several(self, api: Api) -> None:
        slug = api.project()
        for environment in ("production", "preview"):
            put(api, slug, key="A", value="1", environment=environment)
        answer = api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"value": "2"})
        assert (answer.error, answer.json["issues"][0]["path"]) == ((400, "environment_needed"), "body.environment")
        assert api.ask("DELETE", f"/v1/projects/{slug}/env/A").error == (400, "environment_needed")
        put(api, slug, key="B", value="1", environment="preview")
        assert api.ask("PATCH", f"/v1/projects/{slug}/env/B", {"value": "2"}).status == 200

    def test_the_same_again_changes_nothing_not_even_the_date(self, api: Api) -> None:
        slug = api.project()
        put(api, slug, key="A", value="1")
        before = listed(api, slug)
        again = api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"value": "1", "sensitive": True})
        assert again.json["variable"] == before["all", "A"]
        assert listed(api, slug) == before

    def test_an_unknown_key_is_404(self, api: Api) -> None:
        slug = api.project()
        put(api, slug, key="A", value="1", environment="preview")
        for method, body in (("PATCH", {"value": "2"}), ("DELETE", None)):
            for key in ("B", "a", "%00", "x" * 500, "💥".encode().hex()):
                assert api.ask(method, f"/v1/projects/{slug}/env/{key}", body).error == (404, "env_not_found")
        assert api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"value": "2", "environment": "production"}).error == (404, "env_not_found")
        assert api.ask("DELETE", f"/v1/projects/{slug}/env/A?environment=all").error == (404, "env_not_found")

    def test_a_sensitive_value_is_not_made_an_open_one(self, api: Api) -> None:
        slug = api.project()
        put(api, slug, key="A", value=CANARY)
        answer = api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"sensitive": False})
        assert answer.error == (400, "value_needed")
        assert CANARY not in json.dumps(api.get(f"/v1/projects/{slug}/env"))
        opened = api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"sensitive": False, "value": "new"})
        assert opened.json["value"] == "new"
        hidden = api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"sensitive": True, "run": False})
        assert (hidden.json["variable"]["value"], hidden.json["variable"]["run"]) == (None, False)

    def test_what_is_removed_is_gone_from_one_environment(self, api: Api) -> None:
        slug = api.project()
        for environment in ("production", "all"):
            put(api, slug, key="A", value="1", environment=environment)
        answer = api.ask("DELETE", f"/v1/projects/{slug}/env/A?environment=production")
        assert (answer.status, answer.body) == (204, b"")
        assert list(listed(api, slug)) == [("all", "A")]
        assert api.ask("DELETE", f"/v1/projects/{slug}/env/A?environment=production").error == (404, "env_not_found")


class TestFiles:
    TEXT = "# of the app\nexport LOG_LEVEL=debug\nGREETING='hello there'\nPORT=3000\nKEY=\"two\nlines\"\nLOG_LEVEL=info\n"

    def test_a_dry_run_tells_and_changes_nothing(self, api: Api) -> None:
        slug = api.project()
        put(api, slug, vars={"GREETING": "hello there", "KEY": "other"})
        before = listed(api, slug)
        answer = api.ask("POST", f"/v1/projects/{slug}/env/import", {"text": self.TEXT, "dry_run": True})
        assert (answer.json["applied"], {row["key"]: row["change"] for row in answer.json["changes"]}) == (
            False, {"LOG_LEVEL": "added", "GREETING": "unchanged", "KEY": "changed", "PORT": "skipped"},
        )  # fmt: skip
        assert listed(api, slug) == before

    def test_an_import_sets_everything_and_an_export_gives_the_open_ones_back(self, api: Api) -> None:
        slug = api.project()
        answer = api.ask("POST", f"/v1/projects/{slug}/env/import", {"text": self.TEXT, "environment": "production", "sensitive": False})
        assert (answer.status, answer.json["applied"]) == (200, True)
        put(api, slug, key="SECRET", value=CANARY, environment="production")
        put(api, slug, key="LOG_LEVEL", value="weaker", environment="all", sensitive=False)
        exported = api.get(f"/v1/projects/{slug}/env/export?environment=production")
        assert exported == {"environment": "production", "omitted": ["SECRET"],
                            "text": "GREETING='hello there'\nKEY='two\nlines'\nLOG_LEVEL=info\n"}  # fmt: skip
        again = api.ask("POST", f"/v1/projects/{slug}/env/import", {"text": exported["text"], "environment": "production", "dry_run": True})
        assert {row["change"] for row in again.json["changes"]} == {"unchanged"}

    def test_a_wrong_line_imports_nothing_and_is_named(self, api: Api) -> None:
        slug = api.project()
        answer = api.ask("POST", f"/v1/projects/{slug}/env/import", {"text": "A=1\nhunter2 is no variable\n"})
        assert (answer.error, answer.json["issues"][0]["path"]) == ((400, "invalid_env_file"), "body.text, line 2")
        assert b"hunter2" not in answer.body
        assert listed(api, slug) == {}


@pytest.mark.criterion("operating#sensitive-sealed")
def test_values_are_sealed_in_the_database_and_bound_to_their_row(api: Api) -> None:
    slug = api.project()
    put(api, slug, vars={"A": CANARY, "B": "other"})
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT row_to_json(variables)::text, encode(sealed_value, 'escape') FROM variables").fetchall()
        assert CANARY not in str(rows)
        tx.connection.execute("UPDATE variables SET sealed_value = (SELECT sealed_value FROM variables WHERE key = 'A'), sensitive = false")
    assert api.ask("GET", f"/v1/projects/{slug}/env").error == (503, "secret_unreadable")


def test_every_change_is_one_event_without_a_value(api: Api) -> None:
    slug = api.project()
    put(api, slug, key="A", value=CANARY, environment="preview/x")
    api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"value": f"{CANARY}-2"})
    api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"value": f"{CANARY}-2"})
    api.ask("DELETE", f"/v1/projects/{slug}/env/A")
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute(
            "SELECT name, payload, before, after FROM events WHERE name LIKE 'variable.%%' ORDER BY id",
        ).fetchall()  # fmt: skip
    assert [row[0] for row in rows] == ["variable.set", "variable.changed", "variable.removed"]
    assert all((row[1]["environment"], row[1]["key"]) == ("preview/x", "A") for row in rows)
    assert rows[1][2]["digest"] != rows[1][3]["digest"] == rows[1][1]["digest"]
    assert CANARY not in str(rows)


def test_a_deleted_project_takes_its_variables_along(api: Api) -> None:
    slug = api.project()
    put(api, slug, key="A", value="1")
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    api.project(slug)
    assert listed(api, slug) == {}
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT count(*) FROM variables").fetchone() == (0,)


def test_who_may_only_read_sees_keys_and_changes_nothing(api: Api) -> None:
    slug = api.project()
    put(api, slug, key="A", value=CANARY)
    token = api.owner.tokens[Scope.READ]
    assert CANARY.encode() not in api.ask("GET", f"/v1/projects/{slug}/env", token=token).body
    assert api.ask("POST", f"/v1/projects/{slug}/env", {"key": "B", "value": "1"}, token=token).error == (403, "insufficient_scope")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(
        st.tuples(
            st.sampled_from("ABC"), st.sampled_from(["all", "preview", "preview/x", "preview/y", "production"]), st.sampled_from("123")
        ),
        max_size=12,
    )
)
def test_what_a_deployment_takes_along_is_the_value_nearest_to_its_environment(api: Api, writes: list[tuple[str, str, str]]) -> None:
    slug = api.project()
    stored = {}
    for key, environment, value in writes:
        put(api, slug, key=key, value=value, scope=environment)
        stored[environment, key] = value
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    for environment, order in {
        "production": ["all", "production"], "preview/x": ["all", "preview", "preview/x"], "preview/z": ["all", "preview"],
    }.items():  # fmt: skip
        expected = {key: stored[source, key] for source in order for key in "ABC" if (source, key) in stored}
        with api.container.transactions.begin() as tx:
            assert env.snapshot(tx, api.container.vault, project_id, environment).run == expected


def test_a_static_site_has_variables_too(api: Api) -> None:
    slug = api.project()
    put(api, slug, key="A", value="1")
    assert api.deploy(slug, SITE)["status"] == "live"
