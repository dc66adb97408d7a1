"""`canonry backups`: what was live with its variables, kept to be brought back."""

import time
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.errors import FAILED
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.following import show_started
from canonry.cli.remote.options import AsJson, Follow, Limit, Project
from canonry.client.api import Api
from canonry.client.backups import BackupsApi, DatabaseBackupsApi
from canonry.client.credentials import current

_PAUSE = 0.2  # seconds

Which = Annotated[str, argument("BACKUP", help="Its id, as `canonry backups ls` shows it.")]
Wait = Annotated[bool, option("--wait/--no-wait", help="Wait until it has ended, or leave at once.")]
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


def list_database_backups(limit: Limit = 50, project: Project = None, as_json: AsJson = False) -> None:
    """List the backups of the database, the newest first, and whether they are proven: were restored for a trial, and found good."""
    slug = project_of(project)
    found = DatabaseBackupsApi(current(), slug).list(limit)
    if as_json:
        print_json(found)
    elif found:
        print_table(("BACKUP", "KIND", "WHY", "STATE", "PROOF", "HOLDS", "SIZE"), [
            (item["id"], item["kind"], item["trigger"], item["state"], item["proof"] if item["state"] == "done" else "",
             item["point_at"] or (item["error"] or {}).get("message", ""), f"{item['size_bytes'] / (1 << 20):.1f} MiB")
            for item in found
        ])  # fmt: skip
    else:
        say(f"The database of {slug} has no backup yet. A first one is made within minutes.")


def create_database_backup(
    dump: Annotated[bool, option("--dump", help="A dump, which other servers can read too (pg_restore).")] = False,
    wait: Wait = True,
    project: Project = None,
    as_json: AsJson = False,
) -> int:
    """Make a backup of the database now. It happens daily by itself, and what changes is in the archive within a minute."""
    api = DatabaseBackupsApi(current(), project_of(project))
    asked = api.create("dump" if dump else "full")
    if not wait:
        if as_json:
            print_json(asked)
        else:
            print(asked["id"])
        return 0
    while (made := api.get(str(asked["id"]))) is None or made["state"] == "running":
        time.sleep(_PAUSE)
    if as_json:
        print_json(made)
    elif made["state"] == "done":
        print(made["id"])
        then = f"Download it: canonry db dump {made['id']}" if dump else "Prove it: canonry db drill"
        say(f"It holds the database as of {made['point_at']}, {made['size_bytes'] / (1 << 20):.1f} MiB. {then}")
    else:
        error = made["error"] or {}
        say(f"The backup {made['id']} FAILED: {error.get('message', '')} {error.get('hint', '')}".rstrip())
    return 0 if made["state"] == "done" else FAILED
