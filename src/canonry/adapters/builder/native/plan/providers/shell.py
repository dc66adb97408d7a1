"""start.sh, for whatever needs nothing but the system."""

import re

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.tree import SourceTree
from canonry.ports.builder import Plan

SCRIPT = "start.sh"
_BASH = re.compile(r"#!\s*\S*(?:/|\s)bash\b")


def plan_shell(context: Context) -> Plan | None:
    """Plan a start.sh; None when there is none."""
    command = start_script(context.app)
    if command is None:
        return None
    return Plan("shell", root_dir=context.app.prefix, processes={"web": command}, found=(context.app.shown(SCRIPT),))


def start_script(app: SourceTree) -> str | None:
    """Return the command that runs start.sh with the shell its first line asks for: an upload may have lost the executable bit."""
    if not app.is_file(SCRIPT):
        return None
    first = app.glance(SCRIPT, limit=256).partition("\n")[0]
    return f"exec {'bash' if _BASH.match(first) else 'sh'} {SCRIPT}"
