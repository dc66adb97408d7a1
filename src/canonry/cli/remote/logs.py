"""`canonry logs`: what the instances write."""

import json
from collections.abc import Iterator
from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import print_json
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.follow import follow_runtime
from canonry.client.models import RuntimeLine

_NEWEST = 200
_PAGE = 5000


def logs(
    project: Project = None,
    follow: Annotated[bool, option("--follow", "-f", help="Go on with what is written from now on, until Ctrl-C.")] = False,
    since: Annotated[
        str | None, option("--since", metavar="TIME", help="Only what is not older: 30s, 10m, 2h, 1d, or an ISO time.")
    ] = None,
    limit: Annotated[
        int | None,
        option(
            "--limit", "-n", min=1, max=_PAGE, metavar="COUNT", help="How many lines at most. Without it: the newest 200, with --since all."
        ),
    ] = None,
    search: Annotated[
        str | None, option("--search", "-s", metavar="TEXT", help="Only lines with this in them, in any letter case.")
    ] = None,
    process: Annotated[
        str | None, option("--process", metavar="NAME", help="Only this process: web, or one instance of it: web.0.")
    ] = None,
    environment: Annotated[
        str | None, option("--environment", "-e", metavar="NAME", help="Of which environment: production, or preview/BRANCH.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a project's instances write.

    With --follow what there is already comes first; --json then prints one JSON document per line.
    """
    pages = _Pages(Api(current()), project_of(project), since, limit, {"q": search, "process": process, "environment": environment})
    if as_json and not follow:
        print_json([line for page in pages for line in page])
        return
    for page in pages:
        for line in page:
            print(_format(line, as_json=as_json))
    if follow:
        for line in follow_runtime(pages.api, pages.project, pages.cursor, narrowed=pages.narrowed):
            print(_format(line, as_json=as_json), flush=True)


class _Pages:
    """The pages of what there is already; `cursor` goes on behind the last one read."""

    def __init__(self, api: Api, project: str, since: str | None, limit: int | None, narrowed: dict[str, str | None]) -> None:
        self.api = api
        self.project = project
        self.narrowed = narrowed
        self.cursor = ""
        self._since = since
        self._left = limit

    def __iter__(self) -> Iterator[list[RuntimeLine]]:
        if self._since is None:
            yield self._newest(self._left or _NEWEST)
            return
        while self._left != 0:
            size = min(_PAGE, self._left or _PAGE)
            page = self.api.runtime_lines(self.project, since=self._since, limit=size, cursor=self.cursor or None, **self.narrowed)
            self.cursor = page["next_cursor"]
            yield page["lines"]
            if page["complete"]:
                return
            self._left = None if self._left is None else self._left - len(page["lines"])

    def _newest(self, count: int) -> list[RuntimeLine]:
        """Return the newest lines; a search goes back until there are enough, which may take several answers."""
        found: list[RuntimeLine] = []
        older: str | None = None
        while len(found) < count:
            page = self.api.runtime_lines(self.project, limit=count - len(found), before=older, **self.narrowed)
            self.cursor = self.cursor or page["next_cursor"]
            found = page["lines"] + found
            older = page["older_cursor"]
            if older is None:
                break
        return found


def _format(line: RuntimeLine, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(line, ensure_ascii=False)
    moment = f"{line['ts'][:23]}Z" if len(line["ts"]) == 32 and line["ts"].endswith("+00:00") else line["ts"]  # milliseconds will do
    return f"{moment} {line['process']} {line['text']}"
