"""`canonry logs`: what the instances write."""

import json
from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import print_json
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Limit, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.follow import follow_runtime
from canonry.client.models import RuntimeLine


def logs(
    project: Project = None,
    follow: Annotated[bool, option("--follow", "-f", help="Go on with what is written from now on, until Ctrl-C.")] = False,
    since: Annotated[
        str | None, option("--since", metavar="TIME", help="Only what is not older: 30s, 10m, 2h, 1d, or an ISO time.")
    ] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """Show what a project's instances write. With --follow, --json prints one JSON document per line."""
    api = Api(current())
    slug = project_of(project)
    if follow:
        for line in follow_runtime(api, slug, since):
            print(json.dumps(line, ensure_ascii=False) if as_json else _format(line), flush=True)
        return
    lines = api.runtime_lines(slug, since=since, limit=limit)["lines"]
    if as_json:
        print_json(lines)
    else:
        for line in lines:
            print(_format(line))


def _format(line: RuntimeLine) -> str:
    return f"{line['ts']} {line['process']}[{line['instance']}] {line['text']}"
