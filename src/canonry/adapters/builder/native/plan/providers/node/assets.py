"""Node beside another language: a package.json whose build makes the style sheets and scripts of, say, a Django site."""

from dataclasses import dataclass

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.providers.node.installers import choose_installer, lockfiles
from canonry.adapters.builder.native.plan.providers.node.package import FILE, read_package
from canonry.adapters.builder.native.plan.versions import choose_node
from canonry.ports.builder import Toolchain


@dataclass(frozen=True)
class Assets:
    """The part of a plan that Node adds; commands run in the app's folder, paths are relative to it."""

    toolchain: Toolchain
    install: str
    build: str
    lockfiles: tuple[str, ...]
    found: tuple[str, ...]


def plan_assets(context: Context) -> Assets | None:
    """Return how to build the assets beside a program of another language; None when package.json has no build script."""
    package = read_package(context.app)
    if package is None or "build" not in package.scripts:
        return None
    installer = choose_installer(context.app, package)
    return Assets(
        choose_node(context.version_folders, context.wishes.node, context.pins),
        installer.install(dev=True),
        installer.run("build"),
        lockfiles(installer, {".": package}),
        (f"build script in {context.app.shown(FILE)}", *([installer.lock] if installer.lock else [])),
    )
