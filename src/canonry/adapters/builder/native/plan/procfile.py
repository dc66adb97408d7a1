"""Procfile: one `name: command` a line."""

from canonry.adapters.builder.native.plan.config import check_command, check_process
from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.tree import SourceTree

FILE = "Procfile"


def read_procfile(tree: SourceTree) -> dict[str, str]:
    """Return name → command, in the file's order; empty when there is none. Blank lines and `#` comments are passed over.

    Raises: Invalid `invalid_config` with the number of the line that is wrong or names a process twice.
    """
    if not tree.is_file(FILE):
        return {}
    processes: dict[str, str] = {}
    for number, line in enumerate(tree.text(FILE).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        place = f"{tree.shown(FILE)} line {number}"
        name, colon, command = text.partition(":")
        if not colon:
            raise invalid_config(place, "is not `name: command`", "Write it like `web: gunicorn app:app`.")
        name = check_process(place, name.strip())
        if name in processes:
            raise invalid_config(place, f"names the process {name} a second time", "Keep one of the two lines.")
        processes[name] = check_command(place, command)
    return processes
