"""`canonry up`: from an empty folder to a Canonry that answers."""

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from canonry.cli.arguments import option
from canonry.cli.output import say
from canonry.cli.server.options import HomeOption, PortOption
from canonry.core.errors import Conflict
from canonry.core.settings import Settings, read_settings

if TYPE_CHECKING:
    from canonry.cli.server.running import Serving
    from canonry.core.paths import Home
    from canonry.core.secret import Secret


def up(
    home: HomeOption = None,
    http_port: PortOption = None,
    detach: Annotated[bool, option("--detach", "-d", help="Return when Canonry answers; it goes on in the background.")] = False,
    restart: Annotated[bool, option("--restart", help="Replace the running Python process by this version and these settings.")] = False,
) -> int:
    """Start Canonry on this machine: PostgreSQL, Caddy, migrations, then web and worker.

    What already runs is used as it is. When Canonry runs already this says so and ends with 0; --restart is for a new version or
    new settings, and apps answer all the while. In the foreground, Ctrl-C stops only the Python process: apps stay reachable until
    `canonry down`.
    """
    from canonry.cli.server.detached import start_serving
    from canonry.cli.server.home import explained, prepare_home
    from canonry.cli.server.running import find_serving, stop_serving
    from canonry.cli.server.services import make_services, start_services
    from canonry.infra.locks import locked

    settings = read_settings(home=home, http_port=http_port)
    place = prepare_home(settings)
    with explained(place.root), locked(place.run / "start.lock", timeout=120, purpose="start or stop Canonry here"), ExitStack() as undo:
        running = find_serving(place)
        if running and not restart:
            said = _already(place, running.pid, http_port)
            _introduce_again(settings, place, undo)
            return said
        url = start_services(make_services(settings, place), settings, place, undo, say)
        if running:  # only now, when all that could go wrong before the new one starts has not
            stop_serving(place)
        child = start_serving(settings, place) if detach else None
        if child:
            undo.callback(child.end)
        _introduce(settings, url, settings.own_url)  # while the child is loading
        serving = child.wait() if child else None
        undo.pop_all()
    if serving:
        say(_where(serving, place, attached=False))
        return 0
    _serve_attached(settings, place)
    return 0


def _already(home: "Home", pid: int, asked_port: int | None) -> int:
    from canonry.cli.server.running import read_serving

    serving = read_serving(home)
    if serving and asked_port not in {None, serving.http_port}:
        raise Conflict("already_running", f"Canonry already runs on port {serving.http_port} (pid {pid}), not on {asked_port}.",
                       hint="Stop it first: canonry down.")  # fmt: skip
    say(f"Canonry already runs in {home.root} (pid {pid}){f': {serving.url}' if serving else ', it is just starting'}.\n"
        "To run this version with the settings of now instead: canonry up --restart (apps go on).")  # fmt: skip
    return 0


def _introduce_again(settings: Settings, home: "Home", undo: ExitStack) -> None:
    """Let whoever has signed out in again, where Canonry runs already."""
    from canonry.cli.server.running import read_serving
    from canonry.cli.server.services import make_services, start_services
    from canonry.client import credentials

    serving = read_serving(home)
    if serving is None or credentials.load() is not None:
        return
    _introduce(settings, start_services(make_services(settings, home), settings, home, undo, lambda _: None), serving.url)
    undo.pop_all()


def _introduce(settings: Settings, url: "Secret", address: str) -> None:
    """Make the owner at the first start, and see to it that this user's command line has a token that works at this address."""
    from canonry.client import credentials
    from canonry.wiring.container import bootstrap_owner, open_container, renew_owner_token

    stored = credentials.load()
    container = open_container(settings, url)
    try:
        owner = bootstrap_owner(container)
        if owner is None and stored and container.ports.identity.authenticate(stored.token):
            if stored.url != address:
                credentials.keep(replace(stored, url=address))  # Canonry moved to another port
            return
        if owner is None and stored and stored.url == address and stored.refresh is not None:
            return  # signed in here as somebody, whose token only has to be refreshed
        if owner is None and stored and stored.url != address:
            say(f"Your command line is signed in to {stored.url}. For this one: canonry login --url {address}")
            return
        owner = owner or renew_owner_token(container)
    finally:
        container.close()
    if owner is None:
        return
    if stored and stored.url != address:
        kept = credentials.path().with_suffix(".previous.json")
        credentials.path().replace(kept)
        say(f"Your command line was signed in to {stored.url}; those credentials are kept in {kept}.")
    file = credentials.store(address, owner.token.reveal(), owner.organization)
    say(f"You are the owner, in the organization {owner.organization}. Your token is in {file}.")


def _serve_attached(settings: Settings, home: "Home") -> None:
    import threading

    from canonry.cli.server.running import answers, read_serving
    from canonry.cli.server.serve import serve_home

    ended = threading.Event()

    def announce() -> None:
        while not ended.wait(0.05):
            if (serving := read_serving(home)) and answers(home.web_socket):
                say(_where(serving, home, attached=True))
                return

    threading.Thread(target=announce, daemon=True).start()
    try:
        serve_home(settings)
    finally:
        ended.set()
    say("Canonry's own process has stopped; apps, Caddy and PostgreSQL go on. Start it again: canonry up. Stop everything: canonry down.")


def _where(serving: "Serving", home: "Home", *, attached: bool) -> str:
    lines = [f"Canonry is up: {serving.url} (pid {serving.pid}, home {home.root})",
             f"Projects answer at {serving.projects_url}",
             "Deploy a folder: canonry deploy PATH",
             "Ctrl-C stops Canonry's own process only. " if attached else ""]  # fmt: skip
    return "\n".join(lines) + "Stop everything: canonry down"
