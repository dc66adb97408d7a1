"""Background entry points: each takes the container and ids."""

from canonry.core.errors import Conflict, Unavailable
from canonry.features.git.context import Context
from canonry.features.git.hosted import remove_repository


def clear(context: Context, folder: str, **_rest: object) -> None:
    """Throw away what lies on the disk of a deleted repository. Raises: Unavailable while somebody still pushes to it, for another try."""
    try:
        remove_repository(context.home, folder)
    except Conflict as error:
        raise Unavailable("push_in_progress", error.message) from error
