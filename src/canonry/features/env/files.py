"""`.env` files: read into variables, written from those that may be seen."""

from canonry.core.access import Actor
from canonry.core.secret import Secret
from canonry.features import projects
from canonry.features.env import store
from canonry.features.env.models import Change, Difference, Entry
from canonry.features.env.parser import format_env, parse_env
from canonry.features.env.rules import effective, is_reserved, parse_environment, sources_of
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx


def read_file(text: str) -> tuple[list[Entry], list[Difference]]:
    """Return the variables of an .env file, and those left out because Canonry sets them itself (`PORT` stands in many such files).

    Of a key that comes twice the last one counts. Raises: Invalid `invalid_env_file`, naming the line.
    """
    entries, skipped = dict[str, Entry](), dict[str, Difference]()
    for line in parse_env(text):
        if is_reserved(line.key):
            skipped[line.key] = Difference(line.key, Change.SKIPPED, "", note="is set by Canonry itself")
        else:
            entries[line.key] = Entry(line.key, Secret(line.value), f"body.text, line {line.number}")
    return list(entries.values()), list(skipped.values())


def export(tx: Tx, actor: Actor, vault: Vault, project: str, environment: str) -> tuple[str, list[str]]:
    """Return what an app in that environment is given, as the text of an .env file, and the keys left out: those of sensitive ones.

    Raises: NotFound; Invalid `invalid_environment`.
    """
    found = projects.find(tx, actor, project)
    wanted = parse_environment(environment, "query.environment")
    rows = effective(store.of_project(tx, found.id, sources_of(wanted)), wanted)
    shown = [(row.key, vault.open(row.sealed_value, bound=row.bound).reveal()) for row in rows if not row.sensitive]
    return format_env(shown), [row.key for row in rows if row.sensitive]
