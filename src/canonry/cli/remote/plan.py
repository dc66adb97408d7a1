"""`canonry plan`: what a deploy would do."""

from pathlib import Path
from typing import Any

from canonry.cli.output import Progress, print_fields, print_json
from canonry.cli.remote.deploy import pack_folder
from canonry.cli.remote.options import AsJson, Folder
from canonry.cli.remote.volumes import size
from canonry.client.api import Api
from canonry.client.credentials import current


def plan(
    path: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """Show what a deploy of a folder would do: what was found, which versions, which commands. Nothing is kept and nothing is run."""
    api = Api(current())
    with pack_folder(path) as archive:
        found = api.plan(archive, Progress("Uploading", archive.size))
    if as_json:
        print_json(found)
    else:
        print_fields(_fields(found))


def _fields(plan: dict[str, Any]) -> dict[str, object]:
    framework = plan.get("framework")
    static = plan.get("static") or {}
    return {
        "Provider": f"{plan['provider']} ({framework})" if framework else plan["provider"],
        "Found": plan.get("found"),
        "Toolchains": [f"{tool['name']} {tool['version']} ({tool['reason']})" for tool in plan.get("toolchains") or ()],
        "Root": plan["root_dir"] if plan.get("root_dir") not in {None, "", "."} else None,
        "Install": plan.get("install"),
        "Build": plan.get("build"),
        "Release": plan.get("release"),
        "Processes": _pairs(plan.get("processes"), ": "),
        "Static": f"{static['root']}{', one page for every path' if static.get('single_page') else ''}" if static else None,
        "Port": plan.get("port"),
        "Health": plan.get("health_path") if not static else None,
        "Variables": _pairs(plan.get("variables"), "="),
        "Lock files": plan.get("lockfiles"),
        "Caches": plan.get("caches"),
        "Volumes": [f"{volume['name']} at {volume['path']}, {size(volume['size_bytes'])}" for volume in plan.get("volumes") or ()],
        "Overridden": plan.get("overrides"),
    }


def _pairs(values: dict[str, Any] | None, between: str) -> list[str]:
    return [f"{name}{between}{value}" for name, value in (values or {}).items()]
