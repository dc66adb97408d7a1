"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import argument, option

_WITHOUT = "Without it: the one this folder was deployed to, else the folder's name."

Project = Annotated[str | None, option("--project", "-p", metavar="SLUG", help=f"The project. {_WITHOUT}")]
ChosenProject = Annotated[str | None, argument("SLUG", help=f"The project. {_WITHOUT}")]
AsJson = Annotated[bool, option("--json", help="Print one JSON document.")]
Follow = Annotated[bool, option("--follow/--no-follow", help="Show the log until the deployment has ended, or leave at once.")]
Limit = Annotated[int, option("--limit", "-n", min=1, max=1000, metavar="COUNT", help="How many to show at most.")]
Folder = Annotated[Path, argument("PATH", help="The folder of the app.")]
