"""`canonry members`: who belongs to the organization."""

import sys
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, ask, ask_secretly, print_json, print_table, say, warn
from canonry.cli.remote.options import AsJson
from canonry.client.credentials import current
from canonry.client.people import PeopleApi
from canonry.core.errors import Invalid

Person = Annotated[str, argument("MEMBER", help="The e-mail address or id of the member.")]
_ROLES = "owner, admin, developer or viewer"


def list_members(as_json: AsJson = False) -> None:
    """List the members of the organization, the newest first."""
    found = PeopleApi(current()).list_members()
    if as_json:
        print_json(found)
    else:
        print_table(("E-MAIL", "NAME", "ROLE", "JOINED", "ID"), [
            (item["email"], item["name"], item["role"], f"{age(item['joined_at'])} ago", item["id"]) for item in found
        ])  # fmt: skip


def invite(
    email: Annotated[str, argument("EMAIL", help="Where the invitation goes.")],
    role: Annotated[str, option("--role", metavar="ROLE", help=f"What they become: {_ROLES}.")] = "developer",
    as_json: AsJson = False,
) -> None:
    """Invite somebody by mail. The invitation is good for seven days."""
    made, goes_out = PeopleApi(current()).invite(email, role)
    if as_json:
        print_json({**made, "mail_goes_out": goes_out})
    elif goes_out:
        say(f"An invitation is on its way to {made['email']} ({made['role']}, {made['id']}).")
    else:
        say(f"{made['email']} is invited ({made['role']}, {made['id']}).")
        warn("that Canonry has no mail server: give them the link yourself, from `canonry mail show last` on its machine.")


def list_invitations(as_json: AsJson = False) -> None:
    """List the invitations that wait."""
    found = PeopleApi(current()).list_invitations()
    if as_json:
        print_json(found)
    elif found:
        rows = [(item["id"], item["email"], item["role"], item["invited_by"], item["expires_at"][:10]) for item in found]
        print_table(("ID", "E-MAIL", "ROLE", "INVITED BY", "UNTIL"), rows)
    else:
        say("No invitation waits.")


def accept(as_json: AsJson = False) -> None:
    """Join an organization with the link, or its part behind `token=`, of an invitation; asked for or read from standard input."""
    typed = (ask_secretly("Link of the invitation: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    joined = PeopleApi(current()).accept_invitation(typed.rpartition("token=")[2])
    if as_json:
        print_json(joined)
    else:
        say(f"You are a member of {joined['organization']['handle']} ({joined['role']}).")


def set_role(
    member: Person,
    role: Annotated[str, argument("ROLE", help=f"The new role: {_ROLES}.")],
    as_json: AsJson = False,
) -> None:
    """Give a member another role. The last owner stays one."""
    changed = PeopleApi(current()).set_role(member, role)
    if as_json:
        print_json(changed)
    else:
        say(f"{changed['email']} is {changed['role']} now.")


def remove_member(member: Person, yes: Annotated[bool, option("--yes", "-y", help="Do not ask first.")] = False) -> None:
    """Remove a member, or withdraw an invitation (inv_...). Their tokens, keys and sessions count no more in this organization."""
    api = PeopleApi(current())
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid("not_confirmed", f"Removing {member} was not confirmed.", hint="Say so with --yes.")
        if ask(f"Remove {member} and all their tokens and keys here? [y/N] ").lower() not in {"y", "yes"}:
            raise Invalid("not_confirmed", f"{member} was not removed.")
    if member.startswith("inv_"):
        api.withdraw_invitation(member)
    else:
        api.remove_member(member)
    say(f"Removed {member}.")
