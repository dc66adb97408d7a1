"""Facts about edits."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class SpecSaved(Event):
    """A file was saved through the editor to the default branch."""

    name: ClassVar[str] = "spec.saved"
    repository_id: str
