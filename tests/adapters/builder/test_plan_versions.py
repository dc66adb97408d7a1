"""Version requirements as people write them, and what is chosen for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from canonry.adapters.builder.native.plan import satisfies
from canonry.adapters.builder.native.plan.ranges import Requirement

ADMITTED = [
    ("3.12", "3.12.4"),
    ("v20.11.1", "20.11.1"),
    ("20.x", "20.9.0"),
    ("20.*", "20.9.0"),
    ("==3.12.*", "3.12.1"),
    ("^20.9 || >=22", "20.10.0"),
    ("^20.9 || >=22", "24.1.0"),
    (">=18 <21", "20.1.0"),
    (">= 18", "24.0.0"),
    (">=3.11,<3.13", "3.12.9"),
    ("18 - 20", "20.19.0"),
    ("~20.1", "20.1.9"),
    ("~=3.11", "3.13.0"),
    ("~=3.11.2", "3.11.9"),
    ("^0.2.3", "0.2.9"),
    ("*", "1.0.0"),
    (">=3.9,!=3.10.1", "3.10.2"),
    (">=18", "24"),
]
REFUSED = [
    ("3.12", "3.13.0"),
    ("^20.9 || >=22", "21.0.0"),
    ("^20.9", "20.8.9"),
    (">=18 <21", "21.0.0"),
    ("18 - 20", "21.0.0"),
    ("~20.1", "20.2.0"),
    ("~=3.11.2", "3.12.0"),
    ("^0.2.3", "0.3.0"),
    (">=3.9,!=3.10.*", "3.10.2"),
    (">18", "18.5.0"),
    (">=3.12.4", "3.12"),
    ("<3.12.4", "3.12"),
]


@pytest.mark.parametrize(("requirement", "version"), ADMITTED)
def test_a_version_within_is_admitted(requirement: str, version: str) -> None:
    assert satisfies(requirement, version)


@pytest.mark.parametrize(("requirement", "version"), REFUSED)
def test_a_version_outside_is_not(requirement: str, version: str) -> None:
    assert not satisfies(requirement, version)


@pytest.mark.parametrize(
    "text", ["", "latest", "3.12rc1", "3.14-dev", "pypy3.10", ">=", "1.2.3.4", "3.12;rm", "$(id)", ">=3,,foo", "x" * 300, "1" * 50]
)
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        Requirement(text)


@pytest.mark.parametrize(("text", "plain"), [("v22", "22"), ("3.12.*", "3.12"), ("==3.12.1", "3.12.1"), (">=3", None), ("^3.1", None)])
def test_a_plain_version_is_told_from_a_range(text: str, plain: str | None) -> None:
    assert Requirement(text).plain == plain


_NUMBER = st.integers(0, 20)
_FULL = st.builds("{}.{}.{}".format, _NUMBER, _NUMBER, _NUMBER)


@given(sign=st.sampled_from([">=", "<", "==", "!=", "<=", ">", "~="]), bound=_FULL, second=_FULL, version=_FULL)
def test_whole_versions_compare_as_python_packaging_does(sign: str, bound: str, second: str, version: str) -> None:
    text = f"{sign}{bound},<{second}"
    assert satisfies(text, version) == SpecifierSet(text).contains(Version(version))
