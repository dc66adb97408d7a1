"""`canonry account`: your password and your second factor. Secrets are asked for, or come from standard input; never as arguments."""

import sys
from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import ask_secretly, print_json, say
from canonry.cli.remote.options import AsJson
from canonry.client.credentials import current
from canonry.client.people import PeopleApi
from canonry.core.errors import Invalid

Code = Annotated[bool, option("--code", help="Show that it is you with a code of the app, or a recovery code, instead of the password.")]


def change_password(as_json: AsJson = False) -> None:
    """Set or change your password. Standard input: the new one on a line, or the present one and the new one on two."""
    present, new = _typed_passwords() if sys.stdin.isatty() else _piped_passwords()
    answer = PeopleApi(current()).change_password(present, new)
    if as_json:
        print_json(answer)
    else:
        say("Your password is changed; other sessions of yours have ended.")


def second_factor_state(as_json: AsJson = False) -> None:
    """Show whether signing in takes a second factor."""
    state = PeopleApi(current()).second_factor_state()
    if as_json:
        print_json(state)
    elif state["enabled"]:
        say(f"Two-factor sign-in is on; {state['recovery_codes_left']} recovery codes are left.")
    else:
        say("Two-factor sign-in is off.")


def second_factor_on(as_json: AsJson = False) -> None:
    """Turn two-factor sign-in on: scan a QR code with an authenticator app, type its code, and keep the recovery codes."""
    api = PeopleApi(current())
    if not sys.stdin.isatty():
        raise Invalid(
            "no_terminal", "This needs a terminal: you scan a code and type another.", hint="Programs use POST /v1/me/two-factor."
        )
    begun = api.second_factor(password=ask_secretly("Password: "))
    _show_qr(begun["uri"])
    say(f"Scan this with your authenticator app, or type {begun['secret']} there.")
    codes = api.second_factor("confirm", code=ask_secretly("Code of the app: ").strip())["recovery_codes"]
    _show_codes(codes, as_json=as_json)


def second_factor_off(code: Code = False, as_json: AsJson = False) -> None:
    """Turn two-factor sign-in off, with your password or a code."""
    PeopleApi(current()).second_factor("disable", **_proof(code=code))
    if as_json:
        print_json({"enabled": False})
    else:
        say("Two-factor sign-in is off.")


def new_recovery_codes(code: Code = False, as_json: AsJson = False) -> None:
    """Get new recovery codes, with your password or a code; those before count no more."""
    _show_codes(PeopleApi(current()).second_factor("recovery-codes", **_proof(code=code))["recovery_codes"], as_json=as_json)


def _proof(*, code: bool) -> dict[str, str]:
    name, question = ("code", "Code: ") if code else ("password", "Password: ")
    given = ask_secretly(question) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    return {name: given.strip() if code else given}


def _typed_passwords() -> tuple[str | None, str]:
    present = ask_secretly("Present password (empty when you have none): ")
    new = ask_secretly("New password: ")
    if ask_secretly("Once more: ") != new:
        raise Invalid("not_the_same", "The two new passwords are not the same.", hint="Nothing was changed; try again.")
    return present or None, new


def _piped_passwords() -> tuple[str | None, str]:
    lines = sys.stdin.read().splitlines()
    if len(lines) not in {1, 2}:
        raise Invalid("no_password_given", "Standard input holds no password.", hint="Pipe in the new one, or the present and the new one.")
    return (None if len(lines) == 1 else lines[0]), lines[-1]


def _show_qr(uri: str) -> None:
    import segno

    segno.make(uri, error="l").terminal(out=sys.stderr, compact=True)


def _show_codes(codes: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"recovery_codes": codes})
        return
    print("\n".join(codes))
    say("Each of these lets you in once when the app is gone. Keep them: they are not shown again.")
