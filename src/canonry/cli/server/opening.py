"""Everything of the Canonry that runs on this machine, for commands that work in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from canonry.core.errors import Unavailable
from canonry.core.settings import read_settings

if TYPE_CHECKING:
    from canonry.wiring.container import Container


@contextmanager
def opened(home: Path | None) -> "Iterator[Container]":
    """Give the container of a Canonry that runs. Raises: Unavailable `not_running`; NotFound `home_missing`."""
    from canonry.cli.server.home import explained, require_whole
    from canonry.core.paths import Home
    from canonry.infra.postgres import Postgres
    from canonry.wiring.container import open_container

    settings = read_settings(home=home)
    place = Home(settings.home_path)
    require_whole(place)
    if settings.database_url is None and Postgres(place).find() is None:
        raise Unavailable("not_running", f"No Canonry runs in {place.root}.", hint="Start it first: canonry up.")
    with explained(place.root):
        container = open_container(settings, settings.database_url or Postgres(place).url)
        try:
            yield container
        finally:
            container.close()
