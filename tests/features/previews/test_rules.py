"""What previews are called: always names that a host may have, the same for the same branch, others for others."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import CanonryError, Invalid
from canonry.core.hosts import parse_host
from canonry.core.refs import parse_branch
from canonry.features.previews.rules import environment_of, labels, parse_lifetime

SLUGS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]", fullmatch=True)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def is_branch(text: str) -> bool:
    try:
        return parse_branch(text) == text
    except CanonryError:
        return False


BRANCHES = st.one_of(
    st.from_regex(r"[a-zA-Z0-9_./-]{1,100}", fullmatch=True),
    st.text(min_size=1, max_size=100),
    st.sampled_from(["日本語", "…", "a/b", "a-b"]),
).filter(is_branch)


@given(SLUGS, BRANCHES, st.none() | st.integers(1, 1 << 31))
def test_each_label_is_one_that_a_host_name_may_have_and_begins_with_the_slug(slug: str, branch: str, number: int | None) -> None:
    found = list(labels(slug, branch, number))
    assert found
    for label in found:
        assert LABEL.fullmatch(label), label
        assert label.startswith(f"{slug}-")
        assert parse_host(f"{label}.example.com") == f"{label}.example.com"


@given(SLUGS, BRANCHES, st.none() | st.integers(1, 1 << 31))
def test_the_same_branch_has_the_same_labels(slug: str, branch: str, number: int | None) -> None:
    first = list(labels(slug, branch, number))
    assert list(labels(slug, branch, number)) == first
    assert len(set(first)) == len(first)


@given(SLUGS, BRANCHES, BRANCHES)
def test_two_branches_never_have_the_same_labels_behind_the_first(slug: str, one: str, other: str) -> None:
    if one != other:
        hashed = [{label for label in labels(slug, name, None) if re.search(r"-[0-9a-f]{8}$", label)} for name in (one, other)]
        plain = [next(labels(slug, name, None)) for name in (one, other)]
        assert len(hashed[0] & hashed[1] - set(plain)) == 0


@given(BRANCHES, st.integers(1, 1 << 31))
def test_no_branch_has_the_environment_of_a_fork(branch: str, number: int) -> None:
    assert environment_of(branch, number, None) != environment_of(branch, number, "stranger/shop")
    assert environment_of(branch, None, None) == f"preview/{branch}"
    assert not is_branch(environment_of(branch, number, "x").removeprefix("preview/"))


def test_names_are_as_people_expect_them() -> None:
    assert next(labels("shop", "feature/Login_2", None)) == "shop-feature-login-2"
    assert next(labels("shop", "feature/login", 7)) == "shop-pr-7"
    long = next(labels("a" * 50, "a-branch-with-a-long-name", None))
    assert len(long) <= 63
    assert long.startswith("a" * 50 + "-a-b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("7d", timedelta(days=7)), ("365d", timedelta(days=365))],
)
def test_lifetimes(text: str, expected: timedelta) -> None:
    assert parse_lifetime(text) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1w", "1.5d", "366d", "999999d", " 7d", "\uff17d"])
def test_what_is_no_lifetime_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_lifetime(text)
