"""Small decisions of signing in."""

import pytest

from canonry.features.auth.rules import is_own_path, program_of

LINE = "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) {program}"


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        (LINE.format(system="X11; Linux x86_64", program="Chrome/140.0.0.0 Safari/537.36"), "Chrome on Linux"),
        (LINE.format(system="Windows NT 10.0; Win64; x64", program="Chrome/140.0 Safari/537.36 Edg/140.0"), "Edge on Windows"),
        (LINE.format(system="Macintosh; Intel Mac OS X 10_15_7", program="Version/18.0 Safari/605.1.15"), "Safari on macOS"),
        (LINE.format(system="Linux; Android 15", program="Chrome/140.0 Mobile Safari/537.36"), "Chrome on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"),
        ("Mozilla/5.0", "a browser"),
        ("canonry 0.1.0 on laptop", "canonry 0.1.0 on laptop"),
        ("", ""),
    ],
)
def test_a_program_is_named_in_words_that_people_know(client: str, shown: str) -> None:
    assert program_of(client) == shown


@pytest.mark.parametrize("place", ["/", "/app/ada/", "/auth/device?code=BCDF-GHJK", "/a?b=//c"])
def test_paths_of_this_site_are_places_to_go(place: str) -> None:
    assert is_own_path(place)


@pytest.mark.parametrize("place", ["", "app", "//evil", "/\\evil", "\\/evil", "https://evil", "/a\nb", "/" + "a" * 2000])
def test_everything_else_is_not(place: str) -> None:
    assert not is_own_path(place)
