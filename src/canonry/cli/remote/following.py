"""Showing a deployment on its way: the log as it comes, then how it ended."""

from collections import deque
from collections.abc import Iterator

from canonry.cli.errors import CANCELLED, FAILED, SUPERSEDED, show
from canonry.cli.output import print_json, say
from canonry.client.api import Api
from canonry.client.errors import from_document
from canonry.client.follow import follow_build
from canonry.client.models import BuildLine, Deployment

_LAST_LINES = 20
_PAGE = 1000
_ENDS = {"live": 0, "failed": FAILED, "cancelled": CANCELLED, "superseded": SUPERSEDED}


def show_started(deployment: Deployment, *, follow: bool, as_json: bool, api: Api) -> int:
    """Report a deployment that has just been asked for, following it when wanted; return the exit code.

    0 live (or not followed), 1 failed, 9 cancelled, 10 superseded.
    """
    if follow:
        return follow_to_end(api, deployment, as_json=as_json)
    if as_json:
        print_json(deployment)
    else:
        print(deployment["id"])
        say(f"Queued. Follow it with: canonry deployments logs {deployment['id']} --follow")
    return 0


def follow_to_end(api: Api, deployment: Deployment, *, as_json: bool) -> int:
    """Show the log (on stderr when JSON goes to stdout) until the deployment has ended, then its end; return the exit code."""
    shown = 0

    def show_line(line: BuildLine) -> None:
        nonlocal shown
        shown += 1
        if as_json:
            say(format_line(line))
        else:
            print(format_line(line), flush=True)

    try:
        finished = follow_build(api, deployment["id"], show_line)
    except KeyboardInterrupt:
        say(f"\nThe deployment {deployment['id']} goes on. Stop it with: canonry deployments cancel {deployment['id']}")
        raise
    if finished["status"] == "failed" and shown == 0:
        for line in last_lines(api, finished["id"]):
            say(format_line(line))
    _show_end(finished, as_json=as_json)
    return _ENDS.get(finished["status"], FAILED)


def format_line(line: BuildLine) -> str:
    """Return a line of a deployment's log as it is shown; what Canonry itself says is marked."""
    return f"> {line['text']}" if line["stream"] == "system" else line["text"]


def last_lines(api: Api, deployment: str) -> list[BuildLine]:
    """Return the last lines of a deployment's log."""
    kept: deque[BuildLine] = deque(maxlen=_LAST_LINES)
    for page in pages(api, deployment):
        kept.extend(page)
    return list(kept)


def pages(api: Api, deployment: str) -> Iterator[list[BuildLine]]:
    """Give what a deployment's log has so far, piece by piece."""
    after = 0
    while True:
        page = api.build_lines(deployment, after, _PAGE)
        yield page["lines"]
        if page["done"] or not page["lines"]:
            return
        after = page["next_seq"]


def _show_end(deployment: Deployment, *, as_json: bool) -> None:
    if as_json:
        print_json(deployment)
    status = deployment["status"]
    if status == "live" and not as_json:
        print(deployment["url"])
    elif status == "failed":
        show(from_document(deployment["error"] or {}), as_json=as_json)
    elif status == "cancelled":
        say(f"The deployment {deployment['id']} was cancelled; what was live before goes on serving.")
    elif status == "superseded":
        say(f"The deployment {deployment['id']} was superseded by a newer one. See: canonry deployments ls --project {deployment['slug']}")
