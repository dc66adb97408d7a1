"""Each delivery acts once: what was taken is remembered, in the transaction of what it did.

A host sends a delivery again when our answer came late, a person does by hand, and an eavesdropper might. They all find the first answer.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from canonry.features.previews.webhook.messages import Message, PullRequest, Push
from canonry.infra.tx import Tx

_KEPT = 7 * 86_400  # seconds; hosts send again for up to three days
_SAME_WORDS = 60  # a plain `{"ref": …}` without a number of its own: the same words later mean another push


def keys_of(message: Message, body: bytes) -> dict[str, int]:
    """Return what a delivery is known by, and for how many seconds.

    The host's number for it is not signed, so who could copy a delivery could give it another: what names a commit is known by its whole
    body too.
    """
    digest = f"body {hashlib.sha256(body).hexdigest()}"
    keys = {f"id {message.delivery}": _KEPT} if message.delivery else {}
    names_commit = isinstance(message.content, PullRequest) or (isinstance(message.content, Push) and message.content.commit is not None)
    if names_commit:
        keys[digest] = _KEPT
    elif not message.delivery:
        keys[digest] = _SAME_WORDS
    return keys


def claim(tx: Tx, project_id: str, keys: Mapping[str, int]) -> Mapping[str, Any] | None:
    """Take a delivery, or return what was answered when it was taken before. Who comes at the same moment waits for the first."""
    for key, seconds in sorted(keys.items()):
        taken = tx.connection.execute(
            """INSERT INTO git_deliveries (project_id, key, expires_at) VALUES (%s, %s, now() + make_interval(secs => %s))
               ON CONFLICT (project_id, key) DO UPDATE SET expires_at = EXCLUDED.expires_at, answer = NULL
               WHERE git_deliveries.expires_at <= now() RETURNING key""",
            (project_id, key, seconds),
        ).fetchone()
        if taken is None:
            row = tx.connection.execute(
                "SELECT answer FROM git_deliveries WHERE project_id = %s AND key = %s", (project_id, key)
            ).fetchone()
            earlier = dict(row[0]) if row and row[0] else {}
            record(tx, project_id, keys, earlier)
            return earlier
    return None


def record(tx: Tx, project_id: str, keys: Mapping[str, int], answer: Mapping[str, Any]) -> None:
    """Remember what was answered."""
    tx.connection.execute(
        "UPDATE git_deliveries SET answer = %s WHERE project_id = %s AND key = ANY(%s)", (Jsonb(dict(answer)), project_id, sorted(keys))
    )


def forget_old(tx: Tx) -> None:
    """Forget deliveries that nobody sends again."""
    tx.connection.execute("DELETE FROM git_deliveries WHERE expires_at < now() - interval '1 hour'")
