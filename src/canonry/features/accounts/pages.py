"""What the pages behind mailed links say. Opening one changes nothing: programs that check mail open every link; a button does it."""

from urllib.parse import quote

from canonry.features.accounts.models import Invitation
from canonry.http.pages import escape

_NEW_FIELD = (
    "<label for=password>{label}</label><input id=password name=password type=password required minlength=10 maxlength=200 "
    "autocomplete=new-password{described}>"
)
SIGN_IN = "<p class=row><a class=button href=/auth/login>Sign in</a></p>"


def confirm_email(secret: str) -> str:
    """Ask to press the button that verifies an address."""
    return f"<p>Is this e-mail address yours?</p>{_form('/auth/confirm-email', _hidden('token', secret), 'Yes, it is mine')}"


def confirmed(email: str) -> str:
    """Say that an address is verified."""
    return f"<p><strong>{escape(email)}</strong> is confirmed.</p>{SIGN_IN}"


def new_password(secret: str, problem: str = "") -> str:
    """Ask for a new password."""
    fields = _hidden("token", secret) + _password("New password", problem)
    return _alert(problem) + _form("/auth/new-password", fields, "Set the password")


def password_set() -> str:
    """Say that the password is set."""
    return f"<p>Your password is changed, and you are signed out wherever you were signed in.</p>{SIGN_IN}"


def forgotten(email: str = "", problem: str = "") -> str:
    """Ask for the address of an account whose password is gone."""
    return (
        f"{_alert(problem)}<p>We mail you a link with which you choose a new one.</p>"
        + _form("/auth/forgotten", _email(email, problem), "Send the link")
    )  # fmt: skip


def mail_is_on_its_way() -> str:
    """Say the same to everybody: whether there is such an account is not told."""
    return "<p>If that address can be used, a mail is on its way to it. Open the link in it.</p>"


def sign_up(email: str = "", name: str = "", problem: str = "") -> str:
    """Ask for what an account needs."""
    fields = _email(email, problem) + _name(name) + _password("Password", problem)
    return f"{_alert(problem)}{_form('/auth/sign-up', fields, 'Make the account')}<p class=soft><a href=/auth/login>I have one</a></p>"


def join(invitation: Invitation, secret: str) -> str:
    """Ask somebody who is signed in with the invited address to accept."""
    return _invited(invitation) + _form("/auth/invitation", _hidden("token", secret), f"Join {invitation.organization}")


def sign_in_to_join(invitation: Invitation, secret: str) -> str:
    """Send somebody who has an account with the invited address to sign in first."""
    back = quote(f"/auth/invitation?token={secret}", safe="")
    return (
        f"{_invited(invitation)}<p>Sign in as <strong>{escape(invitation.email)}</strong> to accept.</p>"
        f"<p class=row><a class=button href=/auth/login?next={back}>Sign in</a></p>"
    )


def register_to_join(invitation: Invitation, secret: str, name: str = "", problem: str = "") -> str:
    """Ask somebody without an account for what it needs; the address is the invited one."""
    fields = _hidden("token", secret) + _name(name) + _password("Password", problem)
    who = f"<p>You have no account yet with <strong>{escape(invitation.email)}</strong>:</p>"
    return _invited(invitation) + who + _alert(problem) + _form("/auth/invitation", fields, "Make the account and join")


def joined(organization: str) -> str:
    """Say that somebody is a member now."""
    return f"<p>You are a member of <strong>{escape(organization)}</strong> now.</p>{SIGN_IN}"


def _invited(invitation: Invitation) -> str:
    by = escape(invitation.inviter or "Somebody")
    return f"<p>{by} invites you to <strong>{escape(invitation.organization)}</strong> ({escape(invitation.role)}).</p>"


def _form(action: str, fields: str, button: str) -> str:
    return f"<form method=post action={action}>{fields}<button class=wide>{escape(button)}</button></form>"


def _hidden(name: str, value: str) -> str:
    return f'<input type=hidden name={name} value="{escape(value)}">'


def _alert(problem: str) -> str:
    return f"<p class=bad role=alert id=problem>{escape(problem)}</p>" if problem else ""


def _password(label: str, problem: str) -> str:
    return _NEW_FIELD.format(label=label, described=" aria-describedby=problem" if problem else "")


def _email(email: str, problem: str) -> str:
    described = " aria-describedby=problem" if problem else ""
    return (
        f"<label for=email>E-mail address</label><input id=email name=email type=email required autocomplete=username "
        f'value="{escape(email)}"{described}>'
    )


def _name(name: str) -> str:
    return f'<label for=name>Your name</label><input id=name name=name maxlength=100 autocomplete=name value="{escape(name)}">'
