"""Signatures as command lines."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.cli.arguments import argument, make_parser, option, parse, words
from canonry.core.errors import Invalid


def example(
    place: Annotated[Path, argument("PATH", help="A place.")] = Path(),
    name: Annotated[str | None, option("--name", "-n", metavar="NAME", help="A name, 100 % free.")] = None,
    count: Annotated[int, option("--count", metavar="N", min=1, max=9, help="A number.")] = 3,
    share: Annotated[float | None, option("--share", metavar="F", min=0, help="A share.")] = None,
    *,
    loud: Annotated[bool, option("--loud", help="Be loud.")] = False,
    follow: Annotated[bool, option("--follow/--no-follow", help="Follow.")] = True,
) -> None:
    """Do something.

    And explain it in a paragraph
    of two lines.
    """


def values(*words: str) -> dict[str, Any]:
    return parse(make_parser(example, "canonry example"), words)


def test_what_is_not_given_has_the_signature_s_default() -> None:
    assert values() == {"place": Path(), "name": None, "count": 3, "share": None, "loud": False, "follow": True}


def test_options_and_arguments_come_in_any_order() -> None:
    expected = {"place": Path("x"), "name": "y", "count": 5, "share": 0.5, "loud": True, "follow": False}
    assert values("--loud", "x", "-n", "y", "--count", "5", "--no-follow", "--share=0.5") == expected
    assert values("--no-follow", "--share", "0.5", "--name=y", "--count=5", "--loud", "x") == expected


def test_after_two_dashes_everything_is_an_argument() -> None:
    assert values("--", "--loud")["place"] == Path("--loud")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "0"], "0 is less than 1"), (["--count", "10"], "10 is more than 9"), (["--count", "x"], "'x' is not a number"),
        (["--count"], "expected one argument"), (["--cou", "3"], "unrecognized arguments"), (["a", "b"], "unrecognized arguments: b"),
        (["--loud=1"], "ignored explicit argument"), (["--share", "nan"], "nan is less than 0"),
    ],
)  # fmt: skip
def test_wrong_words_are_an_error_of_the_tree(words: list[str], message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        values(*words)
    assert caught.value.hint == "See canonry example --help."


def test_the_help_has_the_docstring_in_paragraphs_and_the_defaults() -> None:
    text = make_parser(example, "canonry example").format_help()
    assert "Do something.\n\nAnd explain it in a paragraph of two lines.\n" in text
    assert "A name, 100 % free." in text
    assert "A number. (default: 3)" in text
    assert "Follow. (default: --follow)" in text


def test_a_parameter_without_a_mark_or_with_another_type_is_a_bug() -> None:
    def unmarked(name: str) -> None:
        """Do."""

    def mapped(name: Annotated[dict[str, str], option("--name", help="A.")]) -> None:
        """Do."""

    with pytest.raises(TypeError, match="name carries no mark"):
        make_parser(unmarked, "x")
    with pytest.raises(TypeError, match="a type that no command line can give"):
        make_parser(mapped, "x")


@given(st.lists(st.text(max_size=8), max_size=6))
def test_whatever_is_typed_gives_values_or_an_error_of_the_tree(words: list[str]) -> None:
    if {"-h", "--help"} & set(words) or any(word.startswith("-h") for word in words):
        return
    try:
        found = values(*words)
    except Invalid:
        return
    assert 1 <= found["count"] <= 9


@pytest.mark.parametrize("typed", [["two words"], ["two", "words"], ["--", "two", "words"]])
def test_several_words_are_one_text_quoted_or_not(typed: list[str]) -> None:
    def search(
        query: Annotated[str, words("QUERY", help="What.")],
        *,
        as_json: Annotated[bool, option("--json", help="JSON.")] = False,
    ) -> None:
        """Search."""

    parser = make_parser(search, "canonry search")
    assert parse(parser, typed) == {"query": "two words", "as_json": False}
    with pytest.raises(Invalid, match="QUERY"):
        parse(parser, [])
