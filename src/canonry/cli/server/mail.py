"""`canonry mail`: what Canonry would have mailed, on a machine without a mail server. It holds links that let people in."""

from typing import TYPE_CHECKING, Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.server.options import HomeOption, JsonOption
from canonry.core.errors import Invalid, NotFound
from canonry.core.paths import Home
from canonry.core.settings import read_settings

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

MailId = Annotated[str, argument("MAIL", help="The id of the mail (mail_...); `last` for the newest.")]


def list_mail(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the mail in this home's folder, the newest first."""
    found = [(path.stem, _read(path)) for path in _files(home)]
    if as_json:
        print_json([{"id": mail_id, **_head(message)} for mail_id, message in found])
    elif found:
        rows = [(mail_id, age(_head(message)["date"]), message["To"], message["Subject"]) for mail_id, message in found]
        print_table(("ID", "AGE", "TO", "SUBJECT"), rows)
    else:
        server = read_settings(home=home).smtp_url
        say("There is no mail: it goes out over the mail server of CANONRY_SMTP_URL." if server else "There is no mail.")


def show_mail(mail: MailId, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print one mail."""
    path = _find(home, mail)
    message = _read(path)
    if as_json:
        print_json({"id": path.stem, **_head(message), "text": message.get_content()})
        return
    for name in ("Date", "From", "To", "Subject"):
        print(f"{name}: {message[name]}")
    print(f"\n{message.get_content()}", end="")


def remove_mail(
    mail: Annotated[str | None, argument("MAIL", help="The id of the mail (mail_...).")] = None,
    home: HomeOption = None,
    everything: Annotated[bool, option("--all", help="Remove all mail.")] = False,
) -> None:
    """Remove one mail from this home's folder, or all."""
    if (mail is None) != everything:
        raise Invalid("usage", "Name one mail, or say --all.", hint="canonry mail ls lists them.")
    paths = _files(home) if mail is None else [_find(home, mail)]
    for path in paths:
        path.unlink(missing_ok=True)
    say(f"Removed {len(paths)} mails." if mail is None else f"Removed {paths[0].stem}.")


def _files(home: "Path | None") -> "list[Path]":
    folder = Home(read_settings(home=home).home_path).mail
    return sorted(folder.glob("mail_*.eml"), reverse=True)  # ids that were made later sort later


def _find(home: "Path | None", mail: str) -> "Path":
    files = _files(home)
    found = files[0] if mail == "last" and files else next((path for path in files if path.stem == mail), None)
    if found is None:
        raise NotFound("mail_not_found", f"There is no mail {mail!r} in this home.", hint="canonry mail ls lists them.")
    return found


def _read(path: "Path") -> "EmailMessage":
    import email
    import email.policy

    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _head(message: "EmailMessage") -> dict[str, str]:
    from email.utils import parsedate_to_datetime

    return {"to": str(message["To"]), "subject": str(message["Subject"]), "date": parsedate_to_datetime(message["Date"]).isoformat()}
