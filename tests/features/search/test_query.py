"""What is shown around a hit."""

from canonry.features.search.query import Term, finder, snippet

_FINDER = finder([Term("refunds", ("refund",))])


def test_comments_are_not_shown_and_one_without_an_end_is_text() -> None:
    assert snippet(_FINDER, "a <!-- refund 1 --> b refund <!-- c") == "a b <mark>refund</mark> &lt;!-- c"


def test_a_text_of_comments_that_never_end_is_read_once() -> None:
    """A million letters of them; whoever looked for an end from each would hold everything up for half an hour."""
    assert snippet(_FINDER, "refund " + "<!--" * 250_000).startswith("<mark>refund</mark>")
