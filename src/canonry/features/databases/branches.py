"""The database of a preview: a copy of production's, masked before the preview's app is ever let in, else an empty one."""

from collections.abc import Callable
from pathlib import Path

from canonry.core.environments import PRODUCTION, is_preview
from canonry.core.errors import CanonryError, Conflict, Invalid
from canonry.core.secret import Secret
from canonry.features import projects
from canonry.features.databases import inside, making, scripts, store
from canonry.features.databases.context import Context
from canonry.features.databases.models import Database, State, Wish
from canonry.features.databases.rules import gets_a_copy, names_of, new_password

_SCRIPT_BYTES = 1 << 20
_SCRIPT_SECONDS = 900


def read_script(tree: Path, name: str) -> str:
    """Return the text of a masking script of a source. Raises: Invalid `mask_missing`, `mask_unreadable`."""
    path = tree / name
    try:
        if not path.resolve().is_relative_to(tree.resolve()) or not path.is_file():
            raise Invalid("mask_missing", f"canonry.toml names {name} as the script that masks data, and there is no such file.",
                          hint="Add it, or take `mask` out of [database].")  # fmt: skip
        data = path.read_bytes()
        if len(data) > _SCRIPT_BYTES or b"\0" in data:
            raise ValueError
        return data.decode()
    except (OSError, ValueError) as error:
        raise Invalid(
            "mask_unreadable", f"{name} is not a script: not UTF-8, or larger than 1 MiB.", hint="Write it as plain SQL."
        ) from error


def ensure_branch(context: Context, project_id: str, environment: str, script: str | None, say: Callable[[str], None]) -> None:
    """Give a preview a database of its own when production has one; one that is there already stays, with what was written to it.

    script: SQL that is run as the owner on the copy before the preview can connect. say: takes a sentence for the build log.
    Raises: Invalid `script_failed` (then there is no database, and nobody saw the data); Unavailable.
    """
    if not is_preview(environment):
        return
    with context.transactions.begin() as tx:
        production = store.live(tx, project_id, PRODUCTION)
        if production is None or production.state is not State.ACTIVE:
            return
        known = store.live(tx, project_id, environment)
        if known is not None and known.state is State.ACTIVE:
            return
        if known is not None:  # one deployment at a time makes it: whoever began this one is gone
            store.update(tx, known.id, {"state": str(State.REMOVING)})
        wish = Wish(production.tier, production.disk_mb, sleeps=True, public=False)
        branch = making.planned(tx, context, projects.get_any(tx, project_id), environment, wish, source=production.id)
    if known is not None:
        making.discard(context, known)

    def make() -> None:
        why_not = (
            gets_a_copy(environment, _size(context, production)) if context.ports.clusters.can_restore else "it lies on a server outside"
        )
        if why_not:
            say(f"Database: the preview gets an empty one of its own: {why_not}.")
            look = making.provide(context, branch)
        else:
            look = _copied(context, production, branch, script, say)
        with context.transactions.begin() as tx:
            making.made(tx, branch, look)

    making.discarding(context, branch, make)


def _copied(context: Context, production: Database, branch: Database, script: str | None, say: Callable[[str], None]) -> inside.Look:
    clusters = context.ports.clusters
    clusters.copy(production.cluster_id, branch.cluster_id)
    branch = making.started(context, branch)
    url, names = clusters.admin_url(branch.cluster_id), names_of(clusters, branch.cluster_id)
    masking = inside.Login(branch.login, Secret(new_password()))
    inside.prepare(url, names, branch.tier, [masking])  # nobody can sign in with what production's logins know
    inside.refuse_writes(url, names, refuse=False, shared=False)
    if script is not None:
        _masked(clusters.admin_url(branch.cluster_id, names.database), masking, names.database, script)
    making.equip(context, branch)
    look = making.seen(context, branch)
    say(f"Database: the preview has a copy of production's ({look.size_bytes >> 20} MiB){', masked' if script is not None else ''}.")
    return look


def _masked(url: Secret, login: inside.Login, database: str, script: str) -> None:
    try:
        scripts.run_script(url, login, database, script, _SCRIPT_SECONDS)
    except Invalid as error:
        raise Conflict("mask_failed", f"The data for this preview could not be masked, so it gets none. {error.message}",
                       hint="Mend the script that [database] mask names, then deploy again.") from error  # fmt: skip


def _size(context: Context, production: Database) -> int:
    """Return how large production's database is: what it takes on disk, or what was seen last if that cannot be said now."""
    try:
        return context.ports.clusters.size_bytes(production.cluster_id)
    except CanonryError:
        return production.size_bytes
