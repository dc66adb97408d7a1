"""`canonry users`: everybody who has an account, and letting somebody in no more. For whoever has the machine itself."""

from typing import TYPE_CHECKING, Annotated, Any

from canonry.cli.arguments import argument
from canonry.cli.output import print_json, print_table, say
from canonry.cli.server.opening import opened
from canonry.cli.server.options import HomeOption, JsonOption

if TYPE_CHECKING:
    from canonry.features.accounts import User

Email = Annotated[str, argument("EMAIL", help="The e-mail address of the account.")]


def list_users(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List everybody who has an account, the oldest first."""
    from canonry.features import accounts

    with opened(home) as container, container.transactions.begin() as tx:
        found = [(user, [place.handle for place in accounts.memberships(tx, user.id)]) for user in accounts.everybody(tx)]
    if as_json:
        print_json([{**_shown(user), "organizations": handles} for user, handles in found])
        return
    rows = [(user.email, user.name, _state(user), " ".join(handles), user.id) for user, handles in found]
    print_table(("EMAIL", "NAME", "STATE", "ORGANIZATIONS", "ID"), rows)


def deactivate(email: Email, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let somebody in no more: their sessions, tokens and keys end at once, for good. What they made stays."""
    from canonry.features import accounts

    with opened(home) as container, container.transactions.begin() as tx:
        user, ownerless = accounts.deactivate(tx, email)
    if as_json:
        print_json({**_shown(user), "without_owner": ownerless})
        return
    say(f"{user.email} is let in no more. `canonry users activate {user.email}` takes that back.")
    for handle in ownerless:
        say(f"{handle} has members, and no owner who can act.")


def activate(email: Email, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let somebody sign in again. Sessions, tokens and keys of before do not come back."""
    from canonry.features import accounts

    with opened(home) as container, container.transactions.begin() as tx:
        user = accounts.activate(tx, email)
    if as_json:
        print_json(_shown(user))
    else:
        say(f"{user.email} may sign in again; tokens and keys are to be made anew.")


def _state(user: "User") -> str:
    if user.deactivated_at is not None:
        return "deactivated"
    return "operator" if user.is_operator else "active"


def _shown(user: "User") -> dict[str, Any]:
    out = user.deactivated_at
    return {"id": user.id, "email": user.email, "name": user.name, "operator": user.is_operator, "created_at": user.created_at.isoformat(),
            "deactivated_at": out.isoformat() if out else None}  # fmt: skip
