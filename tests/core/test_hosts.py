"""Host names of users: what comes through is a name, the same one each time, and nothing else."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.core.hosts import parse_domain, public_url

_LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
_NASTY = st.text(alphabet=st.sampled_from(list("ab1.-*/:@\\ \t\n\0%{}\u00e4\u00df\u0130\u3002\u200d\u2603")), max_size=20)


@given(st.lists(_LABEL, min_size=1, max_size=4), st.from_regex(r"[a-z]{2,6}", fullmatch=True))
def test_an_ordinary_name_stays_what_it_is(labels: list[str], end: str) -> None:
    name = ".".join([*labels, end])
    assert parse_domain(f" {name.upper()}. ") == name


@given(_NASTY)
def test_whatever_comes_through_is_a_plain_name_and_comes_through_unchanged_again(text: str) -> None:
    with contextlib.suppress(Invalid):
        name = parse_domain(text)
        assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name)
        assert "." in name
        assert parse_domain(name) == name


@pytest.mark.parametrize(
    "text", ["", "localhost", "*.a.test", "a_b.test", "a.test:80", "10.0.0.1", "a..test", "a.test/", "x" * 64 + ".test"]
)
def test_what_is_no_name_is_refused_and_the_field_named(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_domain(text, "body.domain")
    assert (caught.value.code, caught.value.issues[0].path) == ("invalid_hostname", "body.domain")


@pytest.mark.parametrize(
    ("text", "name"),
    [("B\u00dcCHER.example", "xn--bcher-kva.example"), ("stra\u00dfe.example", "strasse.example"), ("a\u3002example", "a.example")],
)
def test_international_names_become_what_stands_in_dns(text: str, name: str) -> None:
    assert parse_domain(text) == name


def test_the_usual_port_is_left_out() -> None:
    assert [public_url("a.test", 80), public_url("a.test", 8080)] == ["http://a.test", "http://a.test:8080"]
    assert [public_url("a.test", 443, secure=True), public_url("a.test", 80, secure=True)] == ["https://a.test", "https://a.test:80"]
