"""`canonry status`: which processes run, and where Canonry answers. Works while Python is down."""

from typing import TYPE_CHECKING, Any

from canonry.cli.output import print_json, print_table, say
from canonry.cli.server.options import HomeOption, JsonOption
from canonry.core.settings import Settings, read_settings

if TYPE_CHECKING:
    from canonry.core.paths import Home

NOT_ALL_RUN = 3


def status(
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the processes of Canonry on this machine. Ends with 0 when all run, with 3 when not."""
    from canonry.core.paths import Home

    settings = read_settings(home=home)
    place = Home(settings.home_path)
    found = [_canonry(place), *_services(settings, place), *_instances(settings, place)]
    urls = _urls(place)
    if as_json:
        print_json({"home": str(place.root), "processes": found, "urls": urls})
    else:
        print_table(["name", "pid", "state"], [[item["name"], item["pid"], item["state"]] for item in found])
        for url in urls:
            say(url)
    needed = [item for item in found if item["kind"] == "canonry"]
    return 0 if all(item["state"] == "running" for item in needed) else NOT_ALL_RUN


def _canonry(home: "Home") -> dict[str, Any]:
    from canonry.cli.server.running import answers, find_serving, read_serving

    process = find_serving(home) if home.run.is_dir() else None
    if process is None:
        return _row("canonry", None, "stopped")
    if read_serving(home) is None:
        return _row("canonry", process.pid, "starting")
    return _row("canonry", process.pid, "running" if answers(home.web_socket) else "not answering")


def _services(settings: Settings, home: "Home") -> list[dict[str, Any]]:
    from canonry.cli.server.services import make_services

    services = make_services(settings, home)
    rows = []
    if services.postgres is not None:
        process = services.postgres.find()
        rows.append(_row("postgres", process.pid if process else None, "running" if process else "stopped"))
    edge = services.caddy.find()
    rows.append(_row("caddy", edge, "running" if edge else "stopped"))
    return rows


def _instances(settings: Settings, home: "Home") -> list[dict[str, Any]]:
    from canonry.adapters.runtime.process.runtime import ProcessRuntime

    if not home.instances.is_dir():
        return []
    states = sorted(ProcessRuntime(home, settings).states(), key=lambda state: state.id)
    return [_row(state.id, state.pid, "running" if state.running else "stopped", kind="instance") for state in states]


def _urls(home: "Home") -> list[str]:
    from canonry.cli.server.running import read_serving

    serving = read_serving(home)
    return [serving.url] if serving else []


def _row(name: str, pid: int | None, state: str, *, kind: str = "canonry") -> dict[str, Any]:
    return {"name": name, "kind": kind, "pid": pid, "state": state}
