"""`canonry pulls`: pull requests of hosted repositories."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_fields, print_json, print_table, say
from canonry.cli.remote.options import AsJson
from canonry.client.credentials import current
from canonry.client.pulls import PullsApi

Repository = Annotated[str, argument("REPOSITORY", help="The repository, by its name.")]
Number = Annotated[int, argument("NUMBER", help="The number of the pull request.")]


def list_pulls(
    repository: Repository,
    *,
    state: Annotated[str | None, option("--state", metavar="STATE", help="Only those that are open, merged or closed.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the newest pull requests of a repository."""
    found = PullsApi(current(), repository).list(state)
    if as_json:
        print_json(found)
    elif found:
        print_table(("NUMBER", "STATE", "TITLE", "FROM", "INTO", "BY", "OPENED"), [
            (item["number"], item["state"], item["title"], item["head"], item["base"], item["created_by"], f"{age(item['created_at'])} ago")
            for item in found
        ])  # fmt: skip
    else:
        say(f"{repository} has no pull requests.")


def show_pull(
    repository: Repository,
    number: Number,
    *,
    diff: Annotated[bool, option("--diff", help="Print what it changes as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a pull request: its commits, its files, whether it can be merged, what was said of it."""
    api = PullsApi(current(), repository)
    found = api.show(number)
    if as_json:
        print_json(found)
        return
    print_fields({
        "title": found["title"], "state": found["state"], "from": found["head"], "into": found["base"],
        "mergeable": {True: "yes", False: f"no, both sides changed {', '.join(found['conflicts'])}", None: ""}[found["mergeable"]],
        "files": ", ".join(found["files"]),
    })  # fmt: skip
    for item in found["commits"]:
        say(f"  {item['sha'][:12]} {item['subject']} ({item['author']})")
    for item in found["reviews"]:
        say(f"{item['user'] or 'somebody'}: {item['verdict'].replace('_', ' ')} at {item['commit'][:12]}. {item['body']}")
    if diff:
        say(api.diff(number))


def open_pull(
    repository: Repository,
    head: Annotated[str, argument("BRANCH", help="The branch to be merged.")],
    *,
    title: Annotated[str, option("--title", help="What it does, in a line.")],
    body: Annotated[str, option("--body", help="Why.")] = "",
    base: Annotated[
        str | None, option("--base", metavar="BRANCH", help="The branch to merge it into; the default branch when absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose to merge a branch."""
    made = PullsApi(current(), repository).open(head, title=title, body=body, base=base)
    if as_json:
        print_json(made)
    else:
        say(f"Opened #{made['number']}: {made['head']} into {made['base']}.")


def review_pull(
    repository: Repository,
    number: Number,
    verdict: Annotated[str, argument("VERDICT", help="approved, changes_requested or commented.")],
    *,
    body: Annotated[str, option("--body", help="In words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what you think of a pull request."""
    reviewed = PullsApi(current(), repository).review(number, verdict, body)
    if as_json:
        print_json(reviewed["pull_request"])
        return
    say(f"Reviewed #{number}: {verdict.replace('_', ' ')}.")


def merge_pull(repository: Repository, number: Number, as_json: AsJson = False) -> None:
    """Merge a pull request. A branch that moves between the look and the merge is refused."""
    api = PullsApi(current(), repository)
    merged = api.merge(number, api.show(number)["head_commit"])
    if as_json:
        print_json(merged)
    else:
        say(f"Merged #{number} into {merged['base']}: {merged['merge_commit'][:12]}.")


def close_pull(repository: Repository, number: Number, as_json: AsJson = False) -> None:
    """Close a pull request without merging it; its branch stays."""
    closed = PullsApi(current(), repository).close(number)
    if as_json:
        print_json(closed["pull_request"])
        return
    say(f"Closed #{number}.")
