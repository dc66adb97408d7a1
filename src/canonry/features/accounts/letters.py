"""The texts of the mails around accounts: short, plain, each with one thing to do."""

from canonry.core.mail import Mail
from canonry.core.settings import Settings

_NOT_YOU = "If this was not you, do nothing: without the link nothing happens."


def verify_address(settings: Settings, to: str, secret: str) -> Mail:
    """Ask somebody to confirm that the address is theirs."""
    return Mail(to, "Confirm your e-mail address", _text(
        f"Somebody, probably you, gave this address to the Canonry at {settings.own_url}. To confirm that it is yours, open:",
        _link(settings, "confirm-email", secret), f"The link works once, for 24 hours. {_NOT_YOU}",
    ))  # fmt: skip


def already_registered(settings: Settings, to: str, secret: str) -> Mail:
    """Tell somebody who registers again that there is an account, and let them in if the password is gone."""
    return Mail(to, "You have an account already", _text(
        f"Somebody, probably you, tried to register with this address at {settings.own_url}. There is an account with it already: sign in.",
        "If you do not know the password, choose a new one here:", _link(settings, "new-password", secret),
        f"The link works once, for one hour. {_NOT_YOU}",
    ))  # fmt: skip


def reset_password(settings: Settings, to: str, secret: str) -> Mail:
    """Let somebody choose a new password."""
    return Mail(to, "Choose a new password", _text(
        f"Somebody, probably you, asked for a new password at {settings.own_url}. To choose one, open:",
        _link(settings, "new-password", secret), f"The link works once, for one hour. {_NOT_YOU}",
    ))  # fmt: skip


def password_changed(settings: Settings, to: str) -> Mail:
    """Tell somebody that their password was changed."""
    return Mail(to, "Your password was changed", _text(
        f"The password of your account at {settings.own_url} was changed. You are signed out wherever you were signed in.",
        "If this was not you, ask for a new password at once, and look at your tokens.",
    ))  # fmt: skip


def email_changed(settings: Settings, to: str, new: str) -> Mail:
    """Tell the old address that another one took its place."""
    return Mail(to, "Your e-mail address was changed", _text(
        f"Your account at {settings.own_url} has the address {new} from now on. This one is not used any more.",
        "If this was not you, speak to whoever runs that Canonry.",
    ))  # fmt: skip


def second_factor_changed(settings: Settings, to: str, *, on: bool) -> Mail:
    """Tell somebody that signing in needs a code from now on, or no longer."""
    what = "needs a code of your authenticator app from now on" if on else "needs no second factor any more"
    return Mail(to, f"Two-factor sign-in is {'on' if on else 'off'}", _text(
        f"Signing in to your account at {settings.own_url} {what}.", "If this was not you, choose a new password at once.",
    ))  # fmt: skip


def invitation(settings: Settings, to: str, organization: str, by: str, secret: str) -> Mail:
    """Invite somebody into an organization."""
    return Mail(to, f"{_one_line(by)} invites you to {_one_line(organization)}", _text(
        f"{_one_line(by)} invites you to the organization {_one_line(organization)} at {settings.own_url}. To accept, open:",
        _link(settings, "invitation", secret), "The link works once, for seven days. If you do not know them, do nothing.",
    ))  # fmt: skip


def _link(settings: Settings, page: str, secret: str) -> str:
    return f"{settings.own_url}/auth/{page}?token={secret}"


def _one_line(text: str) -> str:
    """A name that somebody chose must not look like another part of the mail."""
    return " ".join(text.split())[:80]


def _text(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"
