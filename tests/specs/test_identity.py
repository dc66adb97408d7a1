"""The words of a criterion, read piece by piece, are those of the whole text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from canonry.specs.identity import _stem, hashed_id, words_of


@given(st.one_of(st.text(), st.text("abs THE must-_.,;:!? \t\u00df\u0130\u03a3", max_size=40)))
def test_words_do_not_depend_on_what_was_read_before(text: str) -> None:
    words = re.findall(r"[^\W_]+", text.casefold())
    expected = [stem for word in words if (stem := _stem(word))] or words or [text]
    assert words_of(text) == expected
    assert words_of(text) == expected
    assert hashed_id(text) == hashed_id(" ".join(expected) if words else text)
