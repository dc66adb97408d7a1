"""What the git feature talks about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Commit:
    """One commit. sha, tree: full ids. message: whole text, without the trailing newline. author: `Name <address>`."""

    sha: str
    tree: str
    message: str
    author: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]
