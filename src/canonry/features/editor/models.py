"""What somebody wants saved."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """What somebody wants saved. sha: the blob it was made from; empty for a new file. message: empty for the usual one."""

    path: str
    content: str
    sha: str
    message: str = ""


@dataclass(frozen=True)
class Proposal:
    """How an edit is proposed; what is empty gets a default."""

    branch: str = ""
    title: str = ""
    body: str = ""
