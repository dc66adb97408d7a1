"""`canonry drains`: where the runtime log of a project is sent to."""

import sys
from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, ask_secretly, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.credentials import current
from canonry.client.observing import ObservingApi
from canonry.core.errors import Invalid, NotFound

_KINDS = {"http": "http", "https": "http", "tls": "syslog", "tcp": "syslog", "udp": "syslog"}


def list_drains(project: Project = None, as_json: AsJson = False) -> None:
    """List the log drains of a project, and how each one does."""
    slug = project_of(project)
    found = ObservingApi(current()).drains(slug)
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (item["id"], item["target"], item["environment"] or "all", item["status"], item["sent_lines"], item["lag_bytes"],
             age(item["last_sent_at"]), item["last_error"] if item["status"] == "failing" else None)
            for item in found
        ]  # fmt: skip
        print_table(("DRAIN", "TARGET", "ENVIRONMENT", "STATUS", "LINES", "LAG BYTES", "LAST SENT", "ERROR"), rows)
    else:
        say(f"The log of {slug} is sent nowhere. See: canonry drains add --help")


def add_drain(
    url: Annotated[str, argument("URL", help="https://… for a collector; tls://, tcp:// or udp://host:port for a syslog server.")],
    environment: Annotated[
        str | None, option("--environment", "-e", metavar="NAME", help="Only this environment. Without it: all.")
    ] = None,
    token: Annotated[bool, option("--token", help="Send a Bearer token, which is asked for (or read from standard input).")] = False,
    form: Annotated[str | None, option("--format", metavar="FORM", help="Of an HTTP collector's batches: ndjson or json.")] = None,
    gzip: Annotated[bool, option("--gzip", help="Compress the batches.")] = False,
    ca: Annotated[Path | None, option("--ca", metavar="FILE", help="Certificates (PEM) of a tls server of your own.")] = None,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Send what a project's instances write from now on to a collector or a syslog server."""
    scheme = url.partition("://")[0].lower()
    if scheme not in _KINDS:
        raise Invalid("usage", f"{url!r} is no address that logs can be sent to.",
                      hint="Write https://host/path for a collector, tls://, tcp:// or udp://host:port for a syslog server.")  # fmt: skip
    wish: dict[str, object] = {"kind": _KINDS[scheme], "url": url}
    wish |= {name: value for name, value in (("environment", environment), ("format", form), ("gzip", gzip or None)) if value is not None}
    if ca is not None:
        wish["ca"] = _read(ca)
    if token:
        wish["token"] = (ask_secretly(f"Token for {url}: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    made = ObservingApi(current()).add_drain(project_of(project), wish)
    if as_json:
        print_json(made)
    else:
        say(f"{made['id']} sends to {made['target']} from now on.")


def remove_drain(
    drain: Annotated[str, argument("DRAIN", help="The id of the drain (drn_...), as `canonry drains ls` shows it.")],
    project: Project = None,
) -> None:
    """Send the log there no longer."""
    ObservingApi(current()).remove_drain(project_of(project), drain)
    say(f"Removed {drain}.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise NotFound("file_not_found", f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid_certificate", f"{path} cannot be read as certificates in PEM form.") from error
