"""`canonry mail`: the folder of a home."""

import json
from pathlib import Path

import pytest

from canonry.adapters.mail.folder import FolderMailer
from canonry.cli.main import run
from canonry.core.mail import Mail


@pytest.fixture
def home(tmp_path: Path) -> Path:
    mailer = FolderMailer(tmp_path / "mail", "canonry@localhost")
    mailer.send(Mail("ada@example.com", "Confirm your address", "Open http://localhost:8080/auth/confirm-email?token=x\n"))
    mailer.send(Mail("grace@example.com", "Grüße", "Größe\n"))
    return tmp_path


def mail(home: Path, *words: str) -> int:
    return run(["mail", words[0], *words[1:], "--home", str(home)])


def ids(home: Path) -> list[str]:
    return sorted(path.stem for path in (home / "mail").iterdir())


@pytest.mark.criterion("identity#mail-in-folder")
def test_it_is_listed_newest_first(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mail(home, "ls", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(item["to"], item["subject"]) for item in listed] == [
        ("grace@example.com", "Grüße"),
        ("ada@example.com", "Confirm your address"),
    ]
    assert mail(home, "ls") == 0
    assert "Confirm your address" in capsys.readouterr().out


def test_one_is_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mail(home, "show", ids(home)[0]) == 0
    shown = capsys.readouterr().out
    assert "To: ada@example.com" in shown
    assert shown.endswith("\n\nOpen http://localhost:8080/auth/confirm-email?token=x\n")
    assert mail(home, "show", "last", "--json") == 0
    assert json.loads(capsys.readouterr().out)["text"] == "Größe\n"


def test_one_or_all_are_removed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ids(home)
    assert mail(home, "rm") == 2
    assert mail(home, "rm", first) == 0
    assert ids(home) == [second]
    assert mail(home, "rm", "--all") == 0
    assert ids(home) == []
    assert mail(home, "ls") == 0
    assert "There is no mail." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mail_0000000000000000", "../mail", "*", ""])
def test_what_is_not_there_is_4(home: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert mail(home, "show", name) == 4
    assert mail(home, "rm", name) == 4
    assert len(ids(home)) == 2
    assert "canonry mail ls" in capsys.readouterr().err
