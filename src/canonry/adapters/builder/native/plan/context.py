"""What a provider is given."""

from collections.abc import Mapping
from dataclasses import dataclass

from canonry.adapters.builder.native.plan.tree import SourceTree
from canonry.adapters.builder.native.plan.wishes import Wishes


@dataclass(frozen=True)
class Context:
    """One source being planned. source: all of it. app: the folder of the app. pins: versions chosen for the project before."""

    source: SourceTree
    app: SourceTree
    wishes: Wishes
    pins: Mapping[str, str]

    @property
    def version_folders(self) -> list[SourceTree]:
        """Where version files are looked for: the app's folder, then the top of the source."""
        return [self.app] if self.app.prefix == self.source.prefix else [self.app, self.source]
