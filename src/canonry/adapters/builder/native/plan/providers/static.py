"""Files that are ready to be served: an index.html at the root or in a folder that usually holds a finished site."""

import re

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.tree import SourceTree, join
from canonry.ports.builder import Plan, StaticSite

FOLDERS = ("public", "dist", "build", "out", "_site", "site", "www", "htdocs", "html")
_CATCH_ALL = re.compile(r"^/\*\s+/(?:index\.html)?\s+200!?\s*$", re.MULTILINE)


def plan_static(context: Context) -> Plan | None:
    """Plan a site of plain files; None when there is no index.html where one would be."""
    app = context.app
    wished = context.wishes.output
    folders = (wished,) if wished else (".", *FOLDERS)
    root = next((folder for folder in folders if app.is_file(join(folder, "index.html"))), None)
    if root is None:
        return None
    return Plan(
        "static",
        root_dir=app.prefix,
        static=StaticSite(root, single_page=sends_all_to_index(app, root)),
        found=(app.shown(join(root, "index.html")),),
    )


def sends_all_to_index(app: SourceTree, folder: str) -> bool:
    """Say whether a `_redirects` file asks for the single-page fallback."""
    return bool(_CATCH_ALL.search(app.glance(join(folder, "_redirects"))))
