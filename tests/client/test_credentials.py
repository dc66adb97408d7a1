"""Credentials: who may read them, which token goes where."""

import stat
from pathlib import Path

import pytest

from canonry.client import credentials
from canonry.core.errors import Invalid, Unauthenticated, Unavailable


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CANONRY_CONFIG", str(tmp_path / "a b" / "config"))
    monkeypatch.delenv("CANONRY_URL", raising=False)
    monkeypatch.delenv("CANONRY_TOKEN", raising=False)
    return tmp_path / "a b" / "config"


def test_what_is_stored_is_loaded_and_only_its_owner_may_read_it(folder: Path) -> None:
    place = credentials.store("http://localhost:8080/", "cnr_secret", "ada")
    assert place == folder / "credentials.json"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = credentials.current()
    assert (found.url, found.token.reveal(), found.organization) == ("http://localhost:8080", "cnr_secret", "ada")
    assert "cnr_secret" not in repr(found)
    assert [path.name for path in folder.iterdir()] == ["credentials.json"]


def test_storing_again_replaces_and_tightens_the_permissions() -> None:
    credentials.store("http://a", "cnr_1", "x").chmod(0o644)
    place = credentials.store("http://b", "cnr_2", "y")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert credentials.current().url == "http://b"


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.store("http://a", "cnr_stored", "x")
    monkeypatch.setenv("CANONRY_TOKEN", "cnr_environment")
    assert (credentials.current().url, credentials.current().token.reveal()) == ("http://a", "cnr_environment")
    monkeypatch.setenv("CANONRY_URL", "http://b/")
    assert (credentials.current().url, credentials.current().token.reveal()) == ("http://b", "cnr_environment")


def test_a_stored_token_is_never_sent_to_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.store("http://a", "cnr_stored", "x")
    monkeypatch.setenv("CANONRY_URL", "http://b")
    with pytest.raises(Unauthenticated, match="no token for http://b"):
        credentials.current()
    monkeypatch.setenv("CANONRY_URL", "http://a/")
    assert credentials.current().token.reveal() == "cnr_stored"


def test_half_of_what_is_needed_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unauthenticated, match="not signed in"):
        credentials.current()
    monkeypatch.setenv("CANONRY_TOKEN", "cnr_x")
    with pytest.raises(Unauthenticated, match="Set CANONRY_URL too"):
        credentials.current()


def test_a_damaged_file_says_which_and_what_to_do(folder: Path) -> None:
    folder.mkdir(parents=True)
    for content in ("{", "[]", '{"url": "x"}', "null"):
        (folder / "credentials.json").write_text(content)
        with pytest.raises(Invalid, match=r"credentials\.json cannot be read"):
            credentials.current()


def test_forgetting_twice_is_no_error() -> None:
    credentials.store("http://a", "cnr_1", "x")
    assert [credentials.remove(), credentials.remove()] == [True, False]
    assert credentials.load() is None


def test_a_folder_that_cannot_be_made_is_an_error_of_the_tree(folder: Path) -> None:
    folder.parent.write_text("a file in the way")
    with pytest.raises(Unavailable, match="could not be written"):
        credentials.store("http://a", "cnr_1", "x")


def test_every_part_of_the_client_keeps_a_session_fresh() -> None:
    """A part that opens a `Transport` by itself would work for an hour, until the access token has expired."""
    folder = Path(credentials.__file__).parent
    direct = [path.name for path in folder.glob("*.py") if "Transport(credentials.url, credentials.token" in path.read_text()]
    assert direct == ["renewal.py"], "Use client/renewal.py: open_transport(credentials)."
