"""Slugs: what one may be, and how one is made from a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Conflict, Invalid
from canonry.features.projects.rules import RESERVED, check_slug, derive_slug


class TestCheckSlug:
    @pytest.mark.parametrize("slug", ["abc", "a-1", "my-site", "0" * 50])
    def test_a_valid_slug_is_returned(self, slug: str) -> None:
        assert check_slug(slug) == slug

    @pytest.mark.parametrize("slug", ["", "ab", "Ab-c", "-abc", "abc-", "a_b", "a b", "a" * 51, "ä-site", "abc\n"])
    def test_a_malformed_slug_is_refused_with_its_field(self, slug: str) -> None:
        with pytest.raises(Invalid) as caught:
            check_slug(slug)
        assert [issue.path for issue in caught.value.issues] == ["body.slug"]

    @pytest.mark.parametrize("slug", sorted(RESERVED)[:5])
    def test_a_reserved_slug_is_a_conflict(self, slug: str) -> None:
        with pytest.raises(Conflict, match="reserved"):
            check_slug(slug)


class TestDeriveSlug:
    @given(st.text(max_size=300), st.integers(1, 99))
    def test_whatever_the_name_the_slug_may_be_used(self, name: str, attempt: int) -> None:
        slug = derive_slug(name, attempt)
        assert check_slug(slug) == slug

    def test_other_characters_become_one_hyphen(self) -> None:
        assert derive_slug("  My Größe & Site! ") == "my-gr-e-site"

    def test_a_taken_one_has_successors(self) -> None:
        assert derive_slug("site-one", 3) == "site-one-3"
