"""The variables of a project over HTTP."""

from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document


class Variable(TypedDict):
    """A variable. value: None when it is sensitive."""

    key: str
    environment: str
    value: str | None
    sensitive: bool
    build: bool
    run: bool
    digest: str
    updated_at: str


class Change(TypedDict):
    """What a write did to one key: added, changed, unchanged or skipped (note says why)."""

    key: str
    change: str
    digest: str
    was: str | None
    note: str


class Import(TypedDict):
    """What an import did, or would do."""

    environment: str
    applied: bool
    changes: list[Change]


class Export(TypedDict):
    """The text of an .env file, and the keys that are not in it because they are sensitive."""

    environment: str
    text: str
    omitted: list[str]


class VariablesApi:
    """Calls about the variables of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._at = f"/v1/projects/{quote(project, safe='')}/env"

    def list(self, environment: str | None) -> list[Variable]:
        """Return the variables of one environment, or of all."""
        return cast("list[Variable]", self._transport.send("GET", self._at, query={"environment": environment})["variables"])

    def set(self, key: str, value: str, environment: str, flags: Document) -> Variable:
        """Set a variable, whether it is there or not. flags: sensitive, build, run; what is left out stays."""
        document = {"key": key, "value": value, "scope": environment, **flags}
        return cast("Variable", self._transport.send("POST", self._at, document=document)["variable"])

    def remove(self, key: str, environment: str | None) -> None:
        """Remove a variable. Raises: NotFound; Invalid `environment_needed` when it is set for several environments."""
        self._transport.send("DELETE", f"{self._at}/{quote(key, safe='')}", query={"environment": environment})

    def import_text(self, text: str, environment: str, flags: Document, *, dry_run: bool) -> Import:
        """Set everything that the text of an .env file says, or only say what that would change."""
        document = {"text": text, "environment": environment, "dry_run": dry_run, **flags}
        return cast("Import", self._transport.send("POST", f"{self._at}/import", document=document))

    def export(self, environment: str) -> Export:
        """Return what an app in an environment is given, without what is sensitive."""
        return cast("Export", self._transport.send("GET", f"{self._at}/export", query={"environment": environment}))
