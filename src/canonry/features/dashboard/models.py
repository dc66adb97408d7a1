"""What the first page shows, as plain values."""

from dataclasses import dataclass

from canonry.features import git, specs


@dataclass(frozen=True)
class Overview:
    """Each repository with its documents and how far its index is."""

    repositories: list[tuple[git.Repository, specs.Listing, specs.Index | None]]
