"""Databases: a PostgreSQL of its own for each project, and one for each preview.

Each is a small cluster (`ports/clusters.py`). What the app is given of it is no part of a release: `delivery` is asked at each build and
each start, so a rollback after a rotation still connects.
"""

from canonry.features.databases.alarms import alarms
from canonry.features.databases.branches import ensure_branch, read_script
from canonry.features.databases.context import Context
from canonry.features.databases.delivery import access_of, counting_login, delivery, note_deployed, overriding, secrets_of, spec_of
from canonry.features.databases.exchange import emptied, keep_still, owners_url, ready, register, swap
from canonry.features.databases.making import discard, equip, is_busy, started
from canonry.features.databases.models import Access, Database, Role, State
from canonry.features.databases.rounds import DatabaseRounds
from canonry.features.databases.rules import names_of
from canonry.features.databases.service import clear, close, clusters_of, find, find_any
from canonry.features.databases.store import everything, get, note_told
from canonry.features.databases.store import live as live_of

__all__ = [
    "Access", "Context", "Database", "DatabaseRounds", "Role", "State", "access_of", "alarms", "clear", "close", "clusters_of",
    "counting_login", "delivery", "discard", "emptied", "ensure_branch", "equip", "everything", "find", "find_any", "get", "is_busy",
    "keep_still", "live_of", "names_of", "note_deployed", "note_told", "overriding", "owners_url", "read_script", "ready", "register",
    "secrets_of", "spec_of", "started", "swap",
]  # fmt: skip
