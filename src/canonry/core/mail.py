"""A message to a person, and the address it goes to."""

import re
from dataclasses import dataclass

from canonry.core.errors import Invalid, Issue

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True)
class Mail:
    """One message in plain text to one address."""

    to: str
    subject: str
    text: str


def parse_address(text: str, *, field: str = "body.email") -> str:
    """Return an e-mail address in lower case. Quoted local parts, comments and other alphabets are refused.

    field: where it stood, for the error. Raises: Invalid `invalid_email`.
    """
    address = text.strip().lower()
    local, at, domain = address.rpartition("@")
    if not at or len(address) > 254 or len(local) > 64 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise Invalid("invalid_email", "That is not an e-mail address.", hint="It looks like ada@example.com.",
                      issues=[Issue(field, "not an e-mail address", "email")])  # fmt: skip
    return address
