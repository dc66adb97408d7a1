"""package.json, read once and defensively."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from canonry.adapters.builder.native.plan.tree import SourceTree, Table, table, text_or_none

FILE = "package.json"


@dataclass(frozen=True)
class Package:
    """What a package.json says. dependencies: name → range, of production; dev: the same of development."""

    tree: SourceTree
    data: Table
    name: str | None = None
    scripts: Mapping[str, str] = field(default_factory=dict)
    dependencies: Mapping[str, str] = field(default_factory=dict)
    dev: Mapping[str, str] = field(default_factory=dict)

    def uses(self, *names: str) -> str | None:
        """Return the first of the packages that this one depends on, in whichever way."""
        return next((name for name in names if name in self.dependencies or name in self.dev), None)


def read_package(tree: SourceTree) -> Package | None:
    """Return the package.json at the top of `tree`, None without one. Raises: Invalid `invalid_config` when it cannot be read."""
    if not tree.is_file(FILE):
        return None
    data = tree.json(FILE)
    return Package(
        tree,
        data,
        text_or_none(data.get("name")),
        _strings(data.get("scripts")),
        {**_strings(data.get("optionalDependencies")), **_strings(data.get("dependencies"))},
        {**_strings(data.get("peerDependencies")), **_strings(data.get("devDependencies"))},
    )


def _strings(value: object) -> dict[str, str]:
    return {key: item for key, item in table(value).items() if isinstance(item, str)}
