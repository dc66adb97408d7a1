"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

_WITHOUT = "Without it: the one this folder was deployed to, else the folder's name."

Project = Annotated[str | None, typer.Option("--project", "-p", metavar="SLUG", help=f"The project. {_WITHOUT}")]
ChosenProject = Annotated[str | None, typer.Argument(metavar="SLUG", help=f"The project. {_WITHOUT}")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", help="Show the log until the deployment has ended, or leave at once.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, metavar="COUNT", help="How many to show at most.")]
Folder = Annotated[Path, typer.Argument(metavar="PATH", help="The folder of the app.")]
