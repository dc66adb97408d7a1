"""Background entry points: each takes the container and ids."""

from canonry.features.specs import indexing
from canonry.features.specs.context import Context


def index(context: Context, repository_id: str, **_rest: object) -> None:
    """Bring the index of a repository up to its newest announced commit."""
    indexing.run(context, repository_id)
