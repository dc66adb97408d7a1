"""What the page says on which a person decides about a device."""

from collections.abc import Sequence

from canonry.features.accounts import Membership, User
from canonry.features.auth.device.models import DeviceSignIn
from canonry.features.auth.device.rules import read_user_code, shown
from canonry.features.auth.pages import alert, hidden, named, when
from canonry.http.csrf import FIELD
from canonry.http.pages import escape


def code_form(code: str, problem: str) -> str:
    """Return the form for the code that a command line shows."""
    described = " aria-describedby=problem aria-invalid=true" if problem else ""
    return (
        f"{alert(problem)}<p>Enter the code that your terminal shows.</p><form action=/auth/device><label for=code>Code</label>"
        f'<input class=code id=code name=code value="{escape(code)}" required autofocus autocomplete=off spellcheck=false'
        f" maxlength=20 placeholder=XXXX-XXXX{described}><button class=wide>Continue</button></form>"
    )


def decision(found: DeviceSignIn, code: str, user: User, memberships: Sequence[Membership], chosen: str, csrf: str) -> str:
    """Return who asks, and the two answers. chosen: the handle of the organization that is offered first."""
    facts = {
        "Code": f"<strong>{escape(shown(read_user_code(code)))}</strong>",
        "Who asks": escape(found.client or "a program without a name"),
        "From": escape(found.address or "an unknown address"),
        "Since": when(found.created_at),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    known = any(item.handle == chosen for item in memberships)
    missing = "" if known else f"<p class=bad>It asked for {escape(chosen)}, where you are no member.</p>"
    options = "".join(_option(item, is_chosen=item.handle == chosen) for item in memberships)
    return (
        f"<dl>{listed}</dl>{missing}<p>Approve only what you began yourself just now: it will be able to do what you"
        f" ({escape(user.email)}) may do there.</p><form method=post action=/auth/device>{hidden(FIELD, csrf)}{hidden('code', code)}"
        f"<label for=organization>Organization</label><select id=organization name=organization>{options}</select><div class=row>"
        "<button name=action value=approve>Approve</button><button class=plain name=action value=deny>Refuse</button></div></form>"
    )


def approved(found: DeviceSignIn, organization: str) -> str:
    """Return what is said after a yes."""
    return (
        f"<p>{escape(found.client or 'The program')} acts as you in <strong>{escape(organization)}</strong> now. You can close this page"
        " and go back to your terminal.</p><p class=soft>You can end it at any time under <a href=/auth/account>your account</a>.</p>"
    )


def refused() -> str:
    """Return what is said after a no."""
    return (
        "<p>The device was not signed in. If you did not begin this, there is nothing more to do.</p>"
        "<p class=soft><a href=/auth/account>Your account</a></p>"
    )


def _option(membership: Membership, *, is_chosen: bool) -> str:
    value = f'"{escape(membership.handle)}"{" selected" if is_chosen else ""}'
    return f"<option value={value}>{named(membership)}, as {escape(membership.role)}</option>"
