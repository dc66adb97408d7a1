"""`canonry backups`: what was live with its variables, kept to be brought back."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.following import show_started
from canonry.cli.remote.options import AsJson, Follow, Limit, Project
from canonry.client.api import Api
from canonry.client.backups import BackupsApi
from canonry.client.credentials import current

Which = Annotated[str, argument("BACKUP", help="Its id, as `canonry backups ls` shows it.")]
Note = Annotated[str | None, option("--note", metavar="TEXT", help="What you want to remember of it, up to 280 characters.")]


def list_backups(limit: Limit = 50, project: Project = None, as_json: AsJson = False) -> None:
    """List the backups of a project, the newest first. Canonry makes one before each deployment and each night; ten of these are kept."""
    slug = project_of(project)
    found = BackupsApi(current(), slug).list(limit)
    if as_json:
        print_json(found)
    elif found:
        print_table(("BACKUP", "MADE", "WHY", "DEPLOYMENT", "VARIABLES", "DATABASE", "NOTE"), [
            (item["id"], f"{age(item['createdAt'])} ago", item["trigger"], item["deploymentId"], str(len(item["envVars"])),
             item["databaseAt"] or "", item["note"] or "")
            for item in found
        ])  # fmt: skip
    else:
        say(f"{slug} has no backups. Make one with: canonry backups create")


def create_backup(note: Note = None, project: Project = None, as_json: AsJson = False) -> None:
    """Back a project up: what is live, all its variables, and this moment of its database."""
    made = BackupsApi(current(), project_of(project)).create(note)
    if as_json:
        print_json(made)
        return
    print(made["id"])
    say(f"Kept {made['deploymentId']} and {len(made['envVars'])} variables. Bring them back with: canonry backups restore {made['id']}")


def restore_backup(backup: Which, project: Project = None, follow: Follow = True, as_json: AsJson = False) -> int:
    """Bring the variables and the deployment of a backup back, and follow it until it is live. Its database is not touched."""
    done = BackupsApi(current(), project_of(project)).restore(backup)
    if not as_json:
        say(f"Variables changed: {', '.join(done['variables']) or 'none'}.")
        if done["backup"]["databaseAt"] is not None:
            say(f"The database keeps its data. To have it as it was then: canonry db restore --backup {done['backup']['id']}")
    return show_started(done["deployment"], follow=follow, as_json=as_json, api=Api(current()))


def remove_backup(backup: Which, project: Project = None) -> None:
    """Delete a backup of a project. Nothing that runs is touched."""
    BackupsApi(current(), project_of(project)).remove(backup)
    say(f"Deleted the backup {backup}.")
