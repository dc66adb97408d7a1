"""`canonry db`: the database of a project. A password is shown when it is made, and never again."""

import os
import shutil
import sys
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from canonry.cli.arguments import option
from canonry.cli.output import age, ask, print_fields, print_json, print_table, say, warn
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.credentials import current
from canonry.client.databases import Database, DatabasesApi
from canonry.client.transport import Document
from canonry.core.errors import Invalid, NotFound
from canonry.core.paths import Home
from canonry.core.settings import own_environment, read_settings

Tier = Annotated[str | None, option("--tier", metavar="NAME", help="small, medium or large.")]
Disk = Annotated[int | None, option("--disk", min=1, metavar="MIB", help="How much its data may take.")]
Sleep = Annotated[bool | None, option("--sleep/--no-sleep", help="Let it sleep when nobody uses it, or never.")]
Public = Annotated[bool | None, option("--public/--no-public", help="Let other machines reach it, with TLS, or only this one.")]
Environment = Annotated[str | None, option("--environment", "-e", metavar="NAME", help="production, or preview/BRANCH.")]
Which = Annotated[
    str | None, option("--database", "-d", metavar="ID", help="Another database of the project, as `canonry db ls` shows it.")
]
Hours = Annotated[int, option("--hours", min=1, max=168, metavar="COUNT", help="For how long the login is good.")]


def create_database(
    tier: Tier = None, disk: Disk = None, sleep: Sleep = None, public: Public = None, project: Project = None, as_json: AsJson = False
) -> None:
    """Make the database of a project, and print its connection string, which is shown this once. The app finds it in DATABASE_URL."""
    slug = project_of(project)
    made = DatabasesApi(current(), slug).create(_wish(tier, disk, sleep, public))
    if as_json:
        print_json(made)
        return
    print(made["connection_string"])
    say(f"{slug} has a PostgreSQL {made['version']}. The app is given it as DATABASE_URL; what runs is started anew with it.")
    say("This is shown once. For yourself use: canonry db psql")


def show_database(environment: Environment = None, project: Project = None, as_json: AsJson = False) -> None:
    """Show the database of a project: state, size, where it is. Never the password."""
    found = DatabasesApi(current(), project_of(project)).show(environment)
    if as_json:
        print_json(found)
        return
    size = f"{_megabytes(found['size_bytes'])} of {_megabytes(found['limit_bytes'])}"
    rotation = found["rotation"]
    until = rotation["until"] if rotation is not None else None
    former = f"{rotation['previous_user']}, until {until or 'a deployment has replaced what uses it'}" if rotation is not None else None
    print_fields({
        "Database": found["id"], "State": found["status"] + _fill(found),
        "Why": found["reason"], "PostgreSQL": found["version"], "Tier": found["tier"], "Size": size,
        "Address": f"{found['host']}:{found['port']}", "Name": found["name"], "User": found["user"], "Former login": former,
        "Sleeps": "after an hour without a connection" if found["sleeps"] else "never",
        "Reachable": "from other machines, with TLS" if found["public"] else "from this machine",
        "Used": f"{age(found['last_used_at'])} ago", "Made": f"{age(found['created_at'])} ago",
    })  # fmt: skip
    if found["overridden"]:
        warn("the project has a DATABASE_URL of its own, which its app is given instead.")


def _fill(found: Database) -> str:
    if found["read_only"]:
        return " (read-only: it is full)"
    return " (nearly full)" if found["nearly_full"] else ""


def list_databases(project: Project = None, as_json: AsJson = False) -> None:
    """List every database of a project: production's, those of previews, restored ones."""
    slug = project_of(project)
    found = DatabasesApi(current(), slug).list()
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (item["id"], item["environment"], item["role"], item["status"], item["tier"], _megabytes(item["size_bytes"]),
             f"{age(item['created_at'])} ago")
            for item in found
        ]  # fmt: skip
        print_table(("ID", "ENVIRONMENT", "ROLE", "STATE", "TIER", "SIZE", "MADE"), rows)
    else:
        say(f"{slug} has no database. Make one with: canonry db create")


def print_url(
    environment: Environment = None, database: Which = None, hours: Hours = 8, project: Project = None, as_json: AsJson = False
) -> None:
    """Make a login of your own that ends by itself, and print its connection string. The app's password is shown to nobody."""
    api = DatabasesApi(current(), project_of(project))
    opened = api.access(environment, database, hours)
    if as_json:
        print_json(opened)
        return
    print(opened["connection_string"])
    say(f"A login of your own, good for {hours} h. The app's own password stays what it is; `canonry db rotate` replaces it.")
    _tell_where(api, opened)


def psql(
    environment: Environment = None,
    database: Which = None,
    command: Annotated[str | None, option("--command", "-c", metavar="SQL", help="Run this and end. Without it: a session.")] = None,
    hours: Hours = 8,
    project: Project = None,
) -> None:
    """Open psql on the database, with a login of your own that ends by itself."""
    program = _psql()
    api = DatabasesApi(current(), project_of(project))
    opened = api.access(environment, database, hours)
    _tell_where(api, opened)
    url = urlsplit(opened["connection_string"])
    variables = {
        "PGHOST": url.hostname or "localhost", "PGPORT": str(url.port), "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""), "PGDATABASE": url.path.lstrip("/"), "PGAPPNAME": "canonry db psql",
        **{f"PG{name.upper().replace('_', '')}": value for name, value in parse_qsl(url.query)},
    }  # fmt: skip
    arguments = [] if command is None else ["--command", command]
    sys.stdout.flush()
    os.execve(program, [program, *arguments], {**own_environment(), **variables})  # noqa: S606 -- its own arguments, and no shell


def rotate(
    environment: Environment = None,
    now: Annotated[bool, option("--now", help="Refuse the former password at once: it has leaked.")] = False,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Replace the password and print the new connection string. What runs is started anew with it; no request fails."""
    made = DatabasesApi(current(), project_of(project)).rotate(environment, now=now)
    if as_json:
        print_json(made)
        return
    print(made["connection_string"])
    if now:
        say("The former password is refused. What runs fails to connect until it has been started anew, which is under way.")
    else:
        say("What runs is started anew with it. The former password works until that is done: canonry db info")


def change_database(
    tier: Tier = None, disk: Disk = None, sleep: Sleep = None, public: Public = None, project: Project = None, as_json: AsJson = False
) -> None:
    """Change size, sleep or reach. Another tier or reach restarts its server: clients wait a moment, open transactions end."""
    wish = _wish(tier, disk, sleep, public)
    if not wish:
        raise Invalid("usage", "There is nothing to change.", hint="Say what, for example: canonry db set --tier medium")
    changed = DatabasesApi(current(), project_of(project)).change(wish)
    if as_json:
        print_json(changed)
    else:
        say(f"Changed: {changed['tier']}, {_megabytes(changed['limit_bytes'])}, {changed['status']}.")
        if public:
            say(f"From other machines: port {changed['port']} of this one, sslmode=require, a login of `canonry db url`.")


def upgrade_database(project: Project = None, as_json: AsJson = False) -> None:
    """Move the database to the newest PostgreSQL that this Canonry brings. Clients wait meanwhile; what it was is kept beside it."""
    done = DatabasesApi(current(), project_of(project)).upgrade()
    if as_json:
        print_json(done)
    else:
        say(f"PostgreSQL {done['version']} now. What it was is kept: canonry db ls")


def remove_database(
    database: Annotated[
        str | None, option("--database", "-d", metavar="ID", help="A retired one instead, as `canonry db ls` shows it.")
    ] = None,
    project: Project = None,
    yes: Annotated[bool, option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Delete the database of a project with everything in it. This cannot be undone: it asks for the project's slug first."""
    slug = project_of(project)
    api = DatabasesApi(current(), slug)
    found = next((item for item in api.list() if item["id"] == database), None) if database is not None else api.show()
    if found is None:
        raise NotFound("database_not_found", f"{slug} has no database {database}.", hint="`canonry db ls` lists them.")
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid("not_confirmed", f"Deleting the database of {slug} was not confirmed.", hint="Say so with --yes.")
        say(f"This deletes {found['id']} ({found['role']}, {_megabytes(found['size_bytes'])}) and everything in it.")
        if ask("Type the project's slug to go on: ") != slug:
            raise Invalid("not_confirmed", f"The database of {slug} was not deleted.")
    api.delete(database)
    say(f"Deleted {found['id']} of {slug}." + (" DATABASE_URL is gone." if database is None else ""))


def _wish(tier: str | None, disk: int | None, sleep: bool | None, public: bool | None) -> Document:
    wishes: Document = {"tier": tier, "disk_mb": disk, "sleeps": sleep, "public": public}
    return {name: value for name, value in wishes.items() if value is not None}


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB" if size < 10 << 30 else f"{size / (1 << 30):.1f} GiB"


def _psql() -> str:
    """Return the psql that Canonry brings, else one on the PATH. Raises: NotFound `psql_missing`."""
    brought = sorted(Home(read_settings().home_path).toolchains.glob("postgresql-*/bin/psql"))
    found = str(brought[-1]) if brought else shutil.which("psql")
    if found is None:
        raise NotFound("psql_missing", "There is no psql on this machine.", hint="Install a PostgreSQL client, or use: canonry db url")
    return found


def _tell_where(api: DatabasesApi, opened: Database) -> None:
    """Warn who is on another machine that `localhost` is not theirs."""
    there = urlsplit(api.url).hostname or ""
    if opened["host"] == "localhost" and not (there in {"localhost", "127.0.0.1", "::1"} or there.endswith(".localhost")):
        warn(f"localhost is that of {there}: run this there, or let other machines in: canonry db set --public")
