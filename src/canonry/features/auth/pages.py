"""What the pages of signing in say."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from canonry.features.accounts import Membership, User
from canonry.features.auth.models import GitIdentity, Session
from canonry.features.auth.rules import program_of
from canonry.http.csrf import FIELD
from canonry.http.pages import escape


def hidden(name: str, value: str) -> str:
    """Return a field of a form that nobody sees."""
    return f"<input type=hidden name='{escape(name)}' value=\"{escape(value)}\">"


def alert(message: str) -> str:
    """Return a message about what went wrong, which is also read aloud; empty for none."""
    return f"<p class=bad role=alert id=problem>{escape(message)}</p>" if message else ""


def sign_in_form(
    *, next_place: str, organization: str, email: str = "", problem: str = "", provider: str = "", sign_up: bool = False
) -> str:  # fmt: skip
    """Return the form for e-mail address and password.

    provider: address of the sign-in through the outside provider, empty without one. sign_up: offer to make an account.
    """
    into = f"<p>To continue to the organization <strong>{escape(organization)}</strong>.</p>" if organization else ""
    other = f'<p class=soft>or <a href="{escape(provider)}">sign in with your identity provider</a></p>' if provider else ""
    further = "<a href=/auth/forgotten>Forgotten your password?</a>" + (" <a href=/auth/sign-up>Make an account</a>" if sign_up else "")
    described = " aria-describedby=problem aria-invalid=true" if problem else ""
    focus = ("", " autofocus") if email else (" autofocus", "")
    return (
        f"{into}{alert(problem)}<form method=post action=/auth/login>{hidden('next', next_place)}{hidden('org', organization)}"
        f"<label for=email>E-mail address</label><input id=email name=email type=email required"
        f' autocomplete=username value="{escape(email)}"'
        f"{described}{focus[0]}><label for=password>Password</label>"
        f"<input id=password name=password type=password required autocomplete=current-password{described}{focus[1]}>"
        f"<button class=wide>Sign in</button></form>{other}<p class='soft row'>{further}</p>"
    )


def no_sign_in() -> str:
    """Return what is said to somebody who must sign in where nobody can."""
    return (
        "<p>This Canonry has no identity provider, and nobody has a password.</p><p>If it is yours, set a password on the command line:</p>"
        "<p><code>canonry account password</code></p><p>Then load this page again.</p>"
        "<p class=row><a class='button plain' href=/>Home</a></p>"
    )


_REASONS = {
    "access_denied": "The identity provider says that the sign-in was refused or broken off.",
    "state_mismatch": "This sign-in was begun in another browser, or too long ago.",
}  # fmt: skip


def failed_sign_in(reason: str, *, next_place: str, organization: str) -> str:
    """Return what is said to somebody whom the provider sent back without a sign-in."""
    again = "/auth/login?" + urlencode({"next": next_place, "org": organization})
    text = _REASONS.get(reason, f"The identity provider answered: {reason}.")
    return f"{alert(text)}<p class=row><a class=button href=\"{escape(again)}\">Try again</a><a class='button plain' href=/>Home</a></p>"


def second_factor_form(*, sealed: str, next_place: str, organization: str, problem: str = "") -> str:
    """Return the form for the second step. sealed: what was typed in the first, for nobody but us to read."""
    return (
        f"{alert(problem)}<p>Enter the six digits that your authenticator app shows, or one of your recovery codes.</p>"
        f"<form method=post action=/auth/login>{hidden('next', next_place)}{hidden('org', organization)}{hidden('sealed', sealed)}"
        "<label for=code>Code</label><input class=code id=code name=code required autofocus autocomplete=one-time-code autocapitalize=off "
        "spellcheck=false maxlength=40><button class=wide>Continue</button></form><p class=soft><a href=/auth/login>Start again</a></p>"
    )


def account(user: User, memberships: Sequence[Membership], sessions: Sequence[Session], current: Session, csrf: str) -> str:
    """Return the page about oneself: who, in which organization, signed in where."""
    here = next((item for item in memberships if item.organization_id == current.organization_id), None)
    facts = f"<dl><dt>Signed in as</dt><dd>{escape(user.name)} ({escape(user.email)})</dd><dt>Organization</dt><dd>{_place(here)}</dd></dl>"
    leave = "<p><a class='button plain' href=/auth/logout>Sign out</a></p>"
    others = [item for item in memberships if item is not here]
    switch = "".join(_switch(item, csrf) for item in others)
    places = f"<h2>Your other organizations</h2><ul class=list>{switch}</ul>" if switch else ""
    rows = "".join(_session(item, csrf, is_current=item.id == current.id) for item in sessions)
    return f"{facts}{leave}{places}<h2>Where you are signed in</h2><ul class=list>{rows}</ul>"


_GITHUB_ERRORS = {
    "state_mismatch": "The way to GitHub and back was begun in another browser, or too long ago.",
    "no_token": "GitHub gave no token.", "github": "GitHub refused, or could not be reached.",
}  # fmt: skip


def github_link(identity: GitIdentity | None, error: str) -> str:
    """Return the part about the link to GitHub. error: what went wrong on the way back from there, or empty."""
    problem = alert(_GITHUB_ERRORS.get(error, "GitHub could not be linked.")) if error else ""
    if identity is None:
        what = "<p class=row><a class='button plain' href=/auth/github/login>Link your GitHub account</a></p>"
    else:
        who = f"{escape(identity.login)} ({escape(identity.name)})" if identity.name else escape(identity.login)
        what = f"<p class=row><span>Linked to {who}</span><a class='button plain' href=/auth/github/disconnect>Unlink</a></p>"
    return f"<h2>GitHub</h2>{problem}{what}"


def _place(membership: Membership | None) -> str:
    if membership is None:
        return "none yet; ask for an invitation"
    return f"{named(membership)}, as {escape(membership.role)}"


def named(membership: Membership) -> str:
    """Return an organization as people read it: its name, and its handle when that is another word."""
    handle = "" if membership.handle == membership.name else f" ({escape(membership.handle)})"
    return f"{escape(membership.name)}{handle}"


def _switch(membership: Membership, csrf: str) -> str:
    return (
        f"<li><div class=row><span>{_place(membership)}</span><form method=post action=/auth/account/organization>{hidden(FIELD, csrf)}"
        f"{hidden('organization', membership.handle)}<button class=plain>Switch<span hidden> to {escape(membership.handle)}</span></button>"
        "</form></div></li>"
    )


def _session(session: Session, csrf: str, *, is_current: bool) -> str:
    what = "Command line" if session.label == "cli" else "Browser"
    end = "" if is_current else (
        f"<form method=post action=/auth/account/sessions/{escape(session.id)}>{hidden(FIELD, csrf)}<button class=plain>End</button></form>"
    )  # fmt: skip
    here = " · <strong>this one</strong>" if is_current else ""
    return (
        f"<li><div class=row><span>{what}{here}<br><span class=soft>{escape(program_of(session.client) or 'unnamed')}"
        f"{f' from {escape(session.address)}' if session.address else ''}<br>since {when(session.created_at)}, "
        f"last used {when(session.last_used_at)}</span></span>{end}</div></li>"
    )


def when(moment: datetime) -> str:
    """Return a moment as people read it."""
    return f"<time datetime={moment.isoformat()}>{moment:%d %B %Y, %H:%M} UTC</time>"
