"""A drain, and the lines it sends."""

from dataclasses import dataclass
from datetime import datetime

from canonry.core.secret import Secret


@dataclass(frozen=True)
class Drain:
    """Where the runtime log of a project is sent to, and how that goes.

    shown_target: the address without what may be a secret in it. environment: None for all. format: ndjson, json or rfc5424.
    authority: certificates (PEM) that a TLS target is checked against instead of the usual ones.
    failures: failed attempts in a row; next_try_at: when the next one is made, None at once.
    """

    id: str
    project_id: str
    kind: str
    shown_target: str
    sealed_target: bytes
    environment: str | None
    format: str
    gzip: bool
    sealed_authorization: bytes | None
    authority: str | None
    created_at: datetime
    sent_lines: int
    failures: int
    last_sent_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    next_try_at: datetime | None

    @property
    def status(self) -> str:
        """`waiting` until something was sent, then `ok`, or `failing`."""
        if self.failures:
            return "failing"
        return "waiting" if self.last_sent_at is None else "ok"


@dataclass(frozen=True)
class Target:
    """An opened drain: what a sender needs. authorization: the value of the header."""

    url: Secret
    authorization: Secret | None
    format: str
    gzip: bool
    authority: str | None
    allow_private: bool


@dataclass(frozen=True)
class Entry:
    """One line to send. gap: bytes that were freed before they could be sent; then the text says so."""

    at: datetime
    project: str
    environment: str
    process: str
    instance: str
    deployment: str
    text: str
    gap: int = 0
