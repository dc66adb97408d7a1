"""`canonry activity` and `canonry audit`: who did what, and whether the record of it is whole."""

import time
from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import print_json, print_table, say
from canonry.cli.remote.options import AsJson
from canonry.client.activity import ActivityApi, Event
from canonry.client.credentials import current
from canonry.core.errors import Conflict

_LOOK_EVERY = 2.0
_MOST = 500
Platform = Annotated[bool, option("--platform", help="What belongs to no organization; for those who run the platform.")]


def activity(
    project: Annotated[str | None, option("--project", "-p", metavar="SLUG", help="Of one project only.")] = None,
    actor: Annotated[str | None, option("--actor", metavar="ID", help="By one person only (usr_...).")] = None,
    name: Annotated[str | None, option("--name", metavar="NAME", help="Of one name only, or of many: deployment.*.")] = None,
    kind: Annotated[
        str | None, option("--kind", metavar="KIND", help="Of one kind only: deploy, domain, git, config, key, system...")
    ] = None,
    since: Annotated[str | None, option("--since", metavar="WHEN", help="From then on: an age like 10m or 2d, or an ISO time.")] = None,
    until: Annotated[str | None, option("--until", metavar="WHEN", help="Up to then.")] = None,
    limit: Annotated[int, option("--limit", "-n", min=1, max=100_000, metavar="COUNT", help="How many to show at most.")] = 50,
    follow: Annotated[bool, option("--follow", "-f", help="Go on showing what happens, until Ctrl-C.")] = False,
    platform: Platform = False,
    as_json: AsJson = False,
) -> None:
    """Show what happened in the organization, newest first: when, who, what, from where.

    With --follow it is oldest first, and each event is printed as it happens (with --json as one document a line).
    """
    api = ActivityApi(current())
    filters = {"project": project, "actor": actor, "name": name, "kind": kind, "until": until, "platform": "true" if platform else None}
    events = list(api.events(limit=limit, since=since, **filters))
    if follow:
        _follow(api, events, filters, as_json=as_json)
    elif as_json:
        print_json(events)
    elif events:
        print_table(("WHEN", "WHO", "WHAT", "FROM"), [_row(event) for event in events])
    else:
        say("Nothing happened that fits.")


def verify(platform: Platform = False, as_json: AsJson = False) -> None:
    """Recompute the chain of hashes over the organization's events; ends with 5 when one was changed or taken out.

    Keep the hash of the newest event somewhere else: then a later check shows whether the end was cut off.
    """
    verdict = ActivityApi(current()).verify(platform=platform)
    if as_json:
        print_json(verdict)
    else:
        for head in verdict["heads"]:
            of = head["organization_id"] or "platform"
            print(f"{of}: {head['events']} events, the newest is {head['event_id']} of {head['at']}, {head['hash']}")
        for item in verdict["broken"]:
            print(f"{item['organization_id'] or 'platform'}: broken at event {item['event_id']} {item['name']}: {item['reason']}")
        if verdict["unchained"]:
            say(f"{verdict['unchained']} events are older than the chain; nothing can be said about them.")
    if not verdict["ok"]:
        raise Conflict("audit_broken", "The record of what happened is not whole.", hint="Compare with a backup of the database.")


def _follow(api: ActivityApi, events: list[Event], filters: dict[str, str | None], *, as_json: bool) -> None:
    import json

    newest = 0
    while True:
        for event in reversed(events):
            print(json.dumps(event, ensure_ascii=False) if as_json else "  ".join(_row(event)), flush=True)
            newest = max(newest, int(event["id"]))
        time.sleep(_LOOK_EVERY)
        events = []
        for event in api.events(limit=_MOST, **filters):
            if int(event["id"]) <= newest:
                break
            events.append(event)


def _row(event: Event) -> tuple[str, str, str, str]:
    return (event["at"][:19] + "Z", event["actor"]["name"] or event["actor"]["id"], event["summary"], event["address"] or "-")
