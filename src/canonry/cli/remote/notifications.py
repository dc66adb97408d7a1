"""`canonry notifications`: what you are mailed about."""

from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import print_fields, print_json, warn
from canonry.cli.remote.options import AsJson
from canonry.client.credentials import current
from canonry.client.notifications import NotificationsApi
from canonry.core.errors import Invalid

_SWITCH = {"on": True, "off": False}
_MEANING = {"all": "all", "own": "those you asked for", "off": "none"}


def notifications(
    production: Annotated[
        str | None, option("--production", metavar="WHICH", help="Failed deploys of production: all, own or off.")
    ] = None,
    preview: Annotated[str | None, option("--preview", metavar="WHICH", help="Failed deploys of previews: all, own or off.")] = None,
    recovered: Annotated[str | None, option("--recovered", metavar="on|off", help="Whether you hear that it works again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what you are mailed about in this organization, or change it.

    Several failures within five minutes come in one mail.
    """
    changes: dict[str, object] = {"failed_production": production, "failed_preview": preview}
    if recovered is not None:
        if recovered not in _SWITCH:
            raise Invalid("usage", f"--recovered is {recovered!r}.", hint="It is on or off.")
        changes["recovered"] = _SWITCH[recovered]
    chosen = {name: value for name, value in changes.items() if value is not None}
    api = NotificationsApi(current())
    answer = api.change(chosen) if chosen else api.get()
    if as_json:
        print_json(answer)
        return
    wishes = answer["notifications"]
    print_fields({
        "Failed deploys of production": _MEANING.get(wishes["failed_production"], wishes["failed_production"]),
        "Failed deploys of previews": _MEANING.get(wishes["failed_preview"], wishes["failed_preview"]),
        "When it works again": "yes" if wishes["recovered"] else "no",
    })  # fmt: skip
    if not answer["reachable"]:
        warn("mail does not reach you: your address is not verified, or not a real one.")
