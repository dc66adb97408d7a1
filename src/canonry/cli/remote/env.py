"""`canonry env`: the variables of a project. A secret value is never an argument: everybody on a machine can read those."""

import sys
from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, ask_secretly, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.credentials import current
from canonry.client.transport import Document
from canonry.client.variables import Change, VariablesApi
from canonry.core.errors import Invalid

_WHERE = "production, preview, preview/BRANCH or all"
_NEXT = "In force at the next deployment."

Environment = Annotated[str, option("--environment", "-e", metavar="NAME", help=f"For which environment: {_WHERE}.")]
OneEnvironment = Annotated[str | None, option("--environment", "-e", metavar="NAME", help=f"Only this environment: {_WHERE}.")]
Only = Annotated[str | None, option("--only", metavar="WHOM", help="Give it to `build` alone, to `run` alone, or to `both` again.")]
Plain = Annotated[bool, option("--plain", help="It is no secret: its value may be shown.")]


def list_variables(environment: OneEnvironment = None, project: Project = None, as_json: AsJson = False) -> None:
    """List the variables of a project. The value of a secret one is not shown; equal digests mean equal values."""
    slug = project_of(project)
    found = VariablesApi(current(), slug).list(environment)
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (item["key"], item["environment"], _shown(item["value"]), _whom(item["build"], item["run"]), item["digest"],
             f"{age(item['updated_at'])} ago")
            for item in found
        ]  # fmt: skip
        print_table(("KEY", "ENVIRONMENT", "VALUE", "FOR", "DIGEST", "CHANGED"), rows)
    else:
        say(f"{slug} has no variables. Set one with: canonry env set KEY")


def set_variable(
    key: Annotated[str, argument("KEY", help="Its name; with --plain also KEY=VALUE.")],
    environment: Environment = "all",
    plain: Plain = False,
    only: Only = None,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Set or change a variable. The value is read from standard input, or asked for where nobody sees it.

    A new variable is secret unless you say --plain; one that is there stays what it is.
    """
    name, given, value = key.partition("=")
    if given and not plain:
        raise Invalid("value_in_argument", f"The value of {name} stood on the command line, where everybody on this machine can read it.",
                      hint=f"Type or pipe it instead: canonry env set {name}. If it is no secret, say --plain.")  # fmt: skip
    flags = {**({"sensitive": False} if plain else {}), **_for(only)}
    made = VariablesApi(current(), project_of(project)).set(name, value if given else _read(name), environment, flags)
    if as_json:
        print_json(made)
    else:
        say(f"{made['key']} is set for {made['environment']} (digest {made['digest']}). {_NEXT}")


def remove_variable(
    key: Annotated[str, argument("KEY", help="Its name.")], environment: OneEnvironment = None, project: Project = None
) -> None:
    """Remove a variable. When it is set for several environments, say which one."""
    VariablesApi(current(), project_of(project)).remove(key, environment)
    say(f"Removed {key}. {_NEXT}")


def import_variables(
    file: Annotated[str, argument("FILE", help="An .env file, or - for standard input.")],
    *,
    environment: Environment = "all",
    plain: Plain = False,
    only: Only = None,
    dry_run: Annotated[bool, option("--dry-run", help="Say what would change, and change nothing.")] = False,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Set everything that an .env file says, or nothing when a line of it is wrong. Variables that are not in it stay."""
    flags = {**({"sensitive": False} if plain else {}), **_for(only)}
    done = VariablesApi(current(), project_of(project)).import_text(_text_of(file), environment, flags, dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    print_table(
        ("KEY", "CHANGE", "DIGEST", "BEFORE"), [(item["key"], _change(item), item["digest"], item["was"]) for item in done["changes"]]
    )
    say(f"For {done['environment']}. {_NEXT if done['applied'] else 'Nothing was changed.'}")


def export_variables(
    environment: Annotated[str, option("--environment", "-e", metavar="NAME", help=f"Which one: {_WHERE}.")] = "production",
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Print what an app in an environment is given as an .env file, without the secret ones."""
    found = VariablesApi(current(), project_of(project)).export(environment)
    if as_json:
        print_json(found)
        return
    print(found["text"], end="")
    if found["omitted"]:
        say(f"Not shown because they are secret: {', '.join(found['omitted'])}")


def _read(name: str) -> str:
    value = ask_secretly(f"Value of {name} (not shown): ") if sys.stdin.isatty() else _without_line_end(sys.stdin.read())
    if not value:
        raise Invalid("no_value", f"There is no value for {name} on standard input.",
                      hint=f"Pipe it in: canonry env set {name} < file. For an empty one: canonry env set --plain {name}=")  # fmt: skip
    return value


def _without_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _text_of(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except OSError as error:
        raise Invalid("unreadable_file", f"{file} cannot be read: {error.strerror}.", hint="Check its name.") from error
    except UnicodeDecodeError as error:
        raise Invalid("unreadable_file", f"{file} is not text in UTF-8.", hint="Save it as UTF-8.") from error


def _for(only: str | None) -> Document:
    if only is None:
        return {}
    if only not in {"build", "run", "both"}:
        raise Invalid("usage", f"--only is {only!r}.", hint="Say build, run or both.")
    return {"build": only != "run", "run": only != "build"}


def _whom(build: bool, run: bool) -> str:
    return {(True, True): "build, run", (True, False): "build", (False, True): "run"}.get((build, run), "nobody")


def _shown(value: str | None) -> str:
    if value is None:
        return "(secret)"
    line = value.replace("\n", "\\n")
    return line if len(line) <= 40 else f"{line[:39]}…"


def _change(item: Change) -> str:
    return f"{item['change']}: {item['note']}" if item["note"] else item["change"]
