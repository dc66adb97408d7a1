"""Pure decisions: what is shown, what is refused, how a connection string is written."""

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.clock import now
from canonry.core.errors import Invalid
from canonry.core.secret import Secret
from canonry.features.databases.inside import Look
from canonry.features.databases.models import Access, Database, Role, State, Wish
from canonry.features.databases.rules import (
    Names,
    check_wish,
    gets_a_copy,
    is_nearly_full,
    is_to_be_kept_out,
    is_too_large,
    other_login,
    seconds_to_look,
    status_of,
    url_of,
    variables_of,
)
from canonry.ports.clusters import TIERS, ClusterState

DATABASE = Database(
    id="db_1", organization_id="org_1", project_id="prj_1", environment="production", role=Role.LIVE, state=State.ACTIVE, cluster_id="db_1",
    port=15000, version="18.6", tier="small", disk_mb=100, login="app_1", sealed_password=b"", previous_login=None, sealed_previous=None,
    previous_until=None, rotated_at=None, sleeps=True, public=False, read_only=False, nearly_full=False, size_bytes=0,
    last_used_at=now(), reason="", busy_until=None, source=None, created_at=now(),
)  # fmt: skip
TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=30)


@given(TEXT, TEXT, TEXT, st.sampled_from(["localhost", "::1", "db.example.com"]), st.integers(1, 65535), st.booleans())
def test_a_connection_string_says_exactly_what_the_variables_say(
    user: str, password: str, database: str, host: str, port: int, tls: bool
) -> None:
    access = Access(user, Secret(password), host, port, database, {"sslmode": "require"} if tls else {})
    parts, variables = urlsplit(url_of(access)), variables_of(access)
    assert (unquote(parts.username or ""), unquote(parts.password or ""), parts.port) == (user, password, port)
    assert parts.hostname == host
    assert unquote(parts.path[1:]) == database == variables["PGDATABASE"]
    assert parse_qs(parts.query) == ({"sslmode": ["require"]} if tls else {})
    assert variables["DATABASE_URL"] == url_of(access)
    assert (variables["PGUSER"], variables["PGPASSWORD"], variables["PGPORT"]) == (user, password, str(port))
    assert variables.get("PGSSLMODE") == ("require" if tls else None)
    assert "password=[redacted]" in repr(access)


@given(st.sampled_from(State), st.none() | st.builds(ClusterState, st.just("db_1"), running=st.booleans(), asleep=st.booleans()), st.text())
def test_every_state_has_one_of_the_words_and_an_error_says_why(state: State, cluster: ClusterState | None, reason: str) -> None:
    status, why = status_of(replace(DATABASE, state=state, reason=reason), cluster)
    assert status in {"provisioning", "active", "sleeping", "error", "removing"}
    assert why or status != "error"
    if state is State.ACTIVE and cluster is not None and cluster.running:
        assert status == "active"


@given(st.lists(st.integers(0, 300 << 20), max_size=20))
def test_writes_are_refused_over_the_limit_and_allowed_again_only_with_room(sizes: list[int]) -> None:
    database = DATABASE
    for size in sizes:
        refused = is_too_large(database, size)
        if size > 100 << 20:
            assert refused
        elif size <= 95 << 20:
            assert not refused
        else:
            assert refused is database.read_only
        database = replace(database, read_only=refused)


@given(st.lists(st.integers(0, 300 << 20), max_size=20))
def test_a_limit_is_near_from_nine_tenths_on_until_there_is_room(sizes: list[int]) -> None:
    database = DATABASE
    for size in sizes:
        near = is_nearly_full(database, size)
        if size >= 90 << 20:
            assert near
        elif size < 85 << 20:
            assert not near
        else:
            assert near is database.nearly_full
        assert near or not is_too_large(database, size) or database.read_only
        database = replace(database, nearly_full=near)


@pytest.mark.parametrize(
    ("mib", "grown", "temporary", "kept_out", "out"),
    [
        (124, 50, 0, False, False),  # a little over, it may make room for itself
        (165, 2, 0, False, True),
        (165, 1, 0, False, False),  # nobody writes: the limit was lowered
        (165, -9, 0, True, True),  # until there is room
        (163, 0, 0, True, False),
        (165, 0, 30, False, False),
        (50, 0, 120, False, True),
        (50, 0, 110, False, False),
    ],
)
def test_who_writes_on_far_over_the_limit_is_kept_out_and_who_only_reads_is_not(
    mib: int, grown: int, temporary: int, kept_out: bool, out: bool
) -> None:
    seen = Look("18", mib << 20, 1, 0, temporary_bytes=temporary << 20, kept_out=kept_out)
    assert is_to_be_kept_out(DATABASE, seen, grown=grown << 20) is out


@given(st.integers(0, 1 << 30), st.integers(0, 1 << 30), st.floats(0, 60))
def test_one_that_grows_is_looked_at_before_it_can_be_at_its_limit(before: int, size: int, seconds: float) -> None:
    wait = seconds_to_look(512 << 20, before, size, seconds, longest=30)
    assert 1 <= wait <= 30
    if size <= before:
        assert wait == 30
    elif wait > 1 and seconds > 0.001:
        assert size + (size - before) / seconds * wait <= 512 << 20


def test_logins_take_turns() -> None:
    names = Names("app", "app", ("app_1", "app_2"), "app_guest_")
    assert other_login(names, "app_1") == "app_2"
    assert other_login(names, other_login(names, "app_1")) == "app_1"


@pytest.mark.parametrize(
    ("wish", "paths"),
    [
        (Wish(tier="huge"), ["body.tier"]),
        (Wish(disk_mb=63), ["body.disk_mb"]),
        (Wish(tier="", disk_mb=1001, public=True), ["body.public", "body.tier", "body.disk_mb"]),
    ],
)
def test_what_a_database_cannot_be_is_said_field_by_field(wish: Wish, paths: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        check_wish(wish, 1000, shared=True)
    assert [issue.path for issue in caught.value.issues] == paths
    for tier in TIERS:
        check_wish(Wish(tier, 64, sleeps=False, public=True), 1000, shared=False)


def test_forks_and_large_databases_get_no_copy() -> None:
    assert gets_a_copy("preview/next", 1 << 30) == ""
    assert "1024" in gets_a_copy("preview/next", (1 << 30) + 1)
    assert "fork" in gets_a_copy("preview/pull:7", 1)
