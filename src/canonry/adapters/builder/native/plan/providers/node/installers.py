"""npm, pnpm, yarn 1, yarn berry and bun: which one a source uses, in which version, and how it installs from its lock.

The managers other than npm are run through `npx` from the registry, as corepack would, so that nothing else needs to be
on the machine. Installs are frozen when there is a lock file: what was tested is what is deployed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.providers.node.package import FILE, Package
from canonry.adapters.builder.native.plan.shell import quote
from canonry.adapters.builder.native.plan.tree import SourceTree, join, text_or_none

_LOCKS = (
    ("pnpm", ("pnpm-lock.yaml",)),
    ("bun", ("bun.lock", "bun.lockb")),
    ("yarn", ("yarn.lock",)),
    ("npm", ("package-lock.json", "npm-shrinkwrap.json")),
)
_PACKAGE_MANAGER = re.compile(r"(npm|pnpm|yarn|bun)@(\d+(?:\.\d+){0,2}(?:-[0-9A-Za-z.]+)?)(?:\+[0-9A-Za-z.]+)?")
_PNPM_LOCK = re.compile(r"^lockfileVersion:\s*'?(\d+)", re.MULTILINE)
_PNPM_BY_LOCK = {"5": "7", "6": "8", "9": "10"}
_DEFAULTS = {"pnpm": "10", "yarn": "1.22.22", "berry": "4", "bun": "1"}
_SETTINGS = {
    "npm": (".npmrc",),
    "pnpm": (".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs"),
    "yarn": (".npmrc", ".yarnrc"),
    "berry": (".yarnrc.yml",),
    "bun": (".npmrc", "bunfig.toml"),
}
_LIFECYCLE = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare", "prepublish")
# What these scripts write is for editors and git hooks, or is written again by the build.
_HARMLESS = re.compile(r"\b(?:husky|simple-git-hooks|lefthook|lint-staged|nuxi? prepare|nuxt prepare|svelte-kit sync|is-ci|only-allow)\b")
_PRISMA = "prisma/schema.prisma"


@dataclass(frozen=True)
class Installer:
    """A package manager for one source. program: what runs it. lock: its lock file or None. folder: where it installs."""

    name: str
    program: str
    lock: str | None
    folder: SourceTree

    def install(self, *, dev: bool) -> str:
        """Return the install command; dev: with development dependencies."""
        frozen = self.lock is not None
        lock = " --frozen-lockfile" if frozen else ""
        return {
            "npm": f"npm {'ci' if frozen else 'install'} --{'include' if dev else 'omit'}=dev --prefer-offline --no-audit --no-fund",
            "pnpm": f"{self.program} install{lock} --prod={'false' if dev else 'true'} --prefer-offline",
            "yarn": f"{self.program} install{lock} --production={'false' if dev else 'true'} --prefer-offline --non-interactive",
            "berry": f"YARN_NODE_LINKER=node-modules YARN_ENABLE_TELEMETRY=0 {self.program} install{' --immutable' if frozen else ''}",
            "bun": f"{self.program} install{lock}{'' if dev else ' --production'}",
        }[self.name]

    def run(self, script: str) -> str:
        """Return the command that runs a script of package.json."""
        linker = "YARN_NODE_LINKER=node-modules YARN_ENABLE_TELEMETRY=0 " if self.name == "berry" else ""
        return f"{linker}{self.program} run {quote(script)}"


def choose_installer(folder: SourceTree, package: Package) -> Installer:
    """Return the installer for the package at the top of `folder`: `packageManager` decides, else the lock file, else npm."""
    locks = {name: lock for name, files in _LOCKS if (lock := folder.first_file(*files))}
    asked = text_or_none(package.data.get("packageManager"))
    if asked:
        named = _PACKAGE_MANAGER.fullmatch(asked)
        if named is None:
            raise invalid_config(
                f"{folder.shown(FILE)} packageManager", f"is not understood: {asked[:60]!r}", 'Write it like "pnpm@10.4.1".'
            )
        name, version = named[1], named[2]
    else:
        name, version = next(iter(locks), "npm"), ""
    lock = locks.get(name)
    if name == "yarn":
        name = "berry" if _is_berry(folder, version) else "yarn"
    return Installer(name, _program(name, version or _version_of(name, folder, lock)), lock, folder)


def lockfiles(installer: Installer, packages: Mapping[str, Package]) -> tuple[str, ...]:
    """Return the files that wholly decide node_modules, empty when something else does too.

    packages: folder under the installer's → package; for a workspace its root and every member.
    """
    folder = installer.folder
    if installer.lock is None or folder.is_folder(".yarn/plugins"):
        return ()
    files = [
        installer.lock,
        *(join(below, FILE) for below in packages),
        *(name for name in _SETTINGS[installer.name] if folder.is_file(name)),
    ]
    names = {package.name for package in packages.values()}
    for below, package in packages.items():
        if _has_local_dependency(package, names):
            return ()
        for script in (package.scripts[name] for name in _LIFECYCLE if name in package.scripts):
            extra = _read_by(script, package.tree)
            if extra is None:
                return ()
            files += [join(below, path) for path in extra]
        if package.uses("@prisma/client"):
            files += [join(below, path) for path in _all_files(package.tree, "prisma")]
    for extras in ("patches", ".yarn/patches", ".yarn/releases"):
        files += _all_files(folder, extras)
    return tuple(dict.fromkeys(files))


def _has_local_dependency(package: Package, members: Collection[str | None]) -> bool:
    """Say whether a package of the source is copied into node_modules; members of the workspace are only linked."""
    specs = {**package.dependencies, **package.dev}.items()
    return any(spec.startswith(("file:", "portal:", "link:", ".")) and name not in members for name, spec in specs)


def has_lifecycle(package: Package) -> bool:
    """Say whether installing runs a script of the package itself (which may need a development tool)."""
    return any(name in package.scripts for name in _LIFECYCLE)


def _read_by(script: str, folder: SourceTree) -> list[str] | None:
    """Return the files that a lifecycle script reads; None when nobody knows."""
    if re.fullmatch(r"\s*(?:npx\s+)?prisma generate\s*", script) and folder.is_file(_PRISMA):
        return [_PRISMA]
    if re.fullmatch(r"\s*patch-package\s*", script):
        return _all_files(folder, "patches")
    return [] if _HARMLESS.search(script) and not re.search(r"\b(?:node|tsx|build)\b", script) else None


def _all_files(folder: SourceTree, name: str) -> list[str]:
    return [path for item in folder.names(name) if folder.is_file(path := join(name, item))]


def _is_berry(folder: SourceTree, version: str) -> bool:
    if version:
        return not version.startswith(("0", "1."))
    return folder.is_file(".yarnrc.yml") or "__metadata:" in folder.glance("yarn.lock", limit=1024)


def _version_of(name: str, folder: SourceTree, lock: str | None) -> str:
    if name == "pnpm" and lock:
        found = _PNPM_LOCK.search(folder.glance(lock, limit=1024))
        return _PNPM_BY_LOCK.get(found[1] if found else "", _DEFAULTS["pnpm"])
    return _DEFAULTS.get(name, "")


def _program(name: str, version: str) -> str:
    package = {"berry": "@yarnpkg/cli-dist"}.get(name, name)
    if name == "npm":
        return "npm"
    return f"npx --yes --package {package}@{version} {'yarn' if name == 'berry' else name}"
