"""Workspaces: several packages in one repository with one lock file at its root."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from canonry.adapters.builder.native.plan.problems import unknown_source
from canonry.adapters.builder.native.plan.providers.node.frameworks import find_framework
from canonry.adapters.builder.native.plan.providers.node.installers import Installer
from canonry.adapters.builder.native.plan.providers.node.package import Package, read_package
from canonry.adapters.builder.native.plan.providers.node.scripts import production_start
from canonry.adapters.builder.native.plan.shell import quote
from canonry.adapters.builder.native.plan.tree import SourceTree, join, table, texts

_PNPM_FILE = "pnpm-workspace.yaml"
_PNPM_ITEM = re.compile(r"""^\s*-\s*["']?([^"'#\n]+?)["']?\s*(?:#.*)?$""")
_MOST_MEMBERS = 300
_DEEPEST = 4


@dataclass(frozen=True)
class Workspace:
    """root: the folder with the lock file. members: folder relative to it → package."""

    root: SourceTree
    package: Package
    members: dict[str, Package]

    def builds_before(self, member: Package, installer: Installer) -> list[str]:
        """Return the commands that build the member's local dependencies, each in its folder, in the order they need one another."""
        by_name = {package.name: (folder, package) for folder, package in self.members.items() if package.name}
        ordered: dict[str, str] = {}
        self._collect(member, by_name, ordered, {member.name})
        return [f"(cd {quote(folder)} && {installer.run('build')})" for folder in ordered.values()]

    def _collect(self, package: Package, by_name: dict[str, tuple[str, Package]], ordered: dict[str, str], seen: set[str | None]) -> None:
        for name in (*package.dependencies, *package.dev):
            if name in by_name and name not in seen:
                seen.add(name)
                folder, local = by_name[name]
                self._collect(local, by_name, ordered, seen)
                if "build" in local.scripts:
                    ordered[name] = folder


def find_workspace(source: SourceTree, app: SourceTree) -> Workspace | None:
    """Return the workspace that the package in `app` belongs to, or whose root it is."""
    for folder in (app, *source.parents_of(app)):
        package = read_package(folder)
        patterns = _patterns(folder, package) if package else []
        if package is None or not patterns:
            continue
        members = dict(_members(folder, patterns))
        below = app.prefix if folder.prefix == "." else app.prefix.removeprefix(folder.prefix).lstrip("/") or "."
        if below == "." or app.prefix == folder.prefix or below in members:
            return Workspace(folder, package, members)
    return None


def choose_member(workspace: Workspace) -> str:
    """Return the folder of the only member that can be deployed. Raises: Invalid `unknown_source` naming them when there are more."""
    candidates = [folder for folder, package in workspace.members.items() if _is_deployable(package)]
    if len(candidates) == 1:
        return candidates[0]
    remedy = 'Say which one to deploy: root_dir of the project, or canonry.toml with [build] root_dir = "…".'
    if candidates:
        raise unknown_source(candidates, f"This workspace has {len(candidates)} packages that could be deployed.", remedy)
    raise unknown_source(
        workspace.members or workspace.root.names(), "No package of this workspace has a start script or a known framework.", remedy
    )


def _is_deployable(package: Package) -> bool:
    start = production_start(package)
    framework = find_framework(package, has_program=start is not None)
    library = package.data.get("private") is not True and ("exports" in package.data or "module" in package.data)
    return start is not None or (framework is not None and not library)


def _patterns(folder: SourceTree, package: Package) -> list[str]:
    declared = package.data.get("workspaces")
    patterns = texts(declared) or texts(table(declared).get("packages"))
    return patterns or list(_pnpm_patterns(folder))


def _pnpm_patterns(folder: SourceTree) -> Iterator[str]:
    """Return the `packages` list of pnpm-workspace.yaml, which is a plain list in practice; anything fancier is passed over."""
    inside = False
    for line in folder.glance(_PNPM_FILE).splitlines():
        if re.match(r"packages\s*:", line):
            inside = True
        elif inside and (item := _PNPM_ITEM.match(line)):
            yield item[1].strip()
        elif line.strip() and not line.lstrip().startswith("#"):
            inside = False


def _members(root: SourceTree, patterns: list[str]) -> Iterator[tuple[str, Package]]:
    wanted = [pattern.removeprefix("./").rstrip("/") for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:].removeprefix("./").rstrip("/") for pattern in patterns if pattern.startswith("!")]
    found = 0
    for path in root.walk("package.json", _DEEPEST):
        folder = path.rpartition("/")[0]
        if not folder or not any(_matches(folder, pattern) for pattern in wanted) or any(_matches(folder, pattern) for pattern in unwanted):
            continue
        package = read_package(root.at(folder))
        if package:
            yield join(folder), package
            found += 1
        if found >= _MOST_MEMBERS:
            return


def _matches(folder: str, pattern: str) -> bool:
    if "**" in pattern:
        return fnmatchcase(folder, pattern.replace("**", "*"))
    return folder.count("/") == pattern.count("/") and fnmatchcase(folder, pattern)
