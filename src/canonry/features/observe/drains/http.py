"""Sending lines to a collector over HTTP, as JSON lines or as one array."""

import gzip
import json
from collections.abc import Sequence

from canonry.core.errors import TooLarge, Unavailable
from canonry.features.observe.drains.models import Entry, Target
from canonry.infra import outbound

_TIMEOUT = 10.0
_KINDS = {"ndjson": "application/x-ndjson", "json": "application/json"}


def send(target: Target, entries: Sequence[Entry], batch: str) -> None:
    """Send the lines in one request; return when the collector has them (2xx).

    batch: goes into `X-Canonry-Batch`, the same when a batch is sent again. Raises: TooLarge, Unavailable, Invalid `private_address`.
    """
    body = body_of(entries, target.format)
    headers = {"Content-Type": _KINDS[target.format], "X-Canonry-Batch": batch}
    if target.gzip:
        body, headers["Content-Encoding"] = gzip.compress(body, 6, mtime=0), "gzip"
    if target.authorization is not None:
        headers["Authorization"] = target.authorization.reveal()
    answer = outbound.request("POST", target.url.reveal(), headers=headers, body=body, timeout=_TIMEOUT, allow_private=target.allow_private)
    if answer.status == 413:
        raise TooLarge("batch_too_large", f"The collector takes no batch of {len(entries)} lines (413).")
    if not 200 <= answer.status < 300:
        raise Unavailable("collector_refused", f"The collector answered {answer.status}.")


def body_of(entries: Sequence[Entry], form: str) -> bytes:
    """Return the lines as JSON lines, or as an array."""
    documents = [
        {
            "ts": entry.at.isoformat(), "project": entry.project, "environment": entry.environment, "process": entry.process,
            "instance": entry.instance, "deployment": entry.deployment, "message": entry.text,
        } | ({"gap_bytes": entry.gap} if entry.gap else {})
        for entry in entries
    ]  # fmt: skip
    lines = [json.dumps(document, ensure_ascii=False, separators=(",", ":")) for document in documents]
    return (f"[{','.join(lines)}]" if form == "json" else "".join(f"{line}\n" for line in lines)).encode(errors="replace")
