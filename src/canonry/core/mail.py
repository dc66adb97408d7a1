"""A message to a person."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One message in plain text to one address."""

    to: str
    subject: str
    text: str
