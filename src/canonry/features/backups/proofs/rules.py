"""Pure decisions about proofs: when one is due, when it is too old, what is signed."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from canonry.features.backups.proofs.models import Check, Standing

KEY = "proofs of backups"  # the purpose of the key that signs them
TOO_OLD = timedelta(hours=36)
TOLD_AGAIN = timedelta(hours=24)
LONGEST_DETAIL = 2000


def is_due(standing: Standing, night: datetime) -> bool:
    """Say whether a database is to be proven: nobody has tried since the night began."""
    return standing.tried_at is None or standing.tried_at < night


def overdue(standing: Standing, moment: datetime) -> str:
    """Return in words since when a database has no fresh proof; empty while it has one, or is too new to have any."""
    since = standing.proven_at or standing.created_at
    if moment - since <= TOO_OLD:
        return ""
    hours = int((moment - since).total_seconds() // 3600)
    if standing.proven_at is None:
        return f"no backup of it was ever proven, and it is {hours} hours old"
    return f"its last backup that was proven was so {hours} hours ago"


def is_to_be_told(standing: Standing, moment: datetime) -> bool:
    """Say whether people are to hear of it now: it is overdue, and they have not heard within a day."""
    return bool(overdue(standing, moment)) and (standing.told_at is None or moment - standing.told_at >= TOLD_AGAIN)


def document_of(about: Mapping[str, object], checks: Sequence[Check]) -> str:
    """Return the text that is signed: JSON with sorted keys."""
    listed = [{"name": check.name, "ok": check.ok, "detail": check.detail[:LONGEST_DETAIL]} for check in checks]
    return json.dumps({**about, "checks": listed}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def first_fault(checks: Sequence[Check]) -> str:
    """Return what failed first, in words; empty when nothing did."""
    return next((f"{check.name}: {check.detail}"[:500] for check in checks if not check.ok), "")
