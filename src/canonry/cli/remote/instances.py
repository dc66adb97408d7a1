"""`canonry ps` and `canonry scale`: the running copies of a project."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.core.errors import Invalid


def list_instances(project: Project = None, as_json: AsJson = False) -> None:
    """List the running instances of a project."""
    slug = project_of(project)
    found = Api(current()).list_instances(slug)
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (
                item["id"],
                item["process"],
                item["index"],
                item["status"],
                age(item["started_at"]),
                item["restarts"],
                _megabytes(item["memory_bytes"]),
                item["reason"],
            )
            for item in found
        ]
        print_table(("INSTANCE", "PROCESS", "INDEX", "STATUS", "AGE", "RESTARTS", "MEMORY", "REASON"), rows)
    else:
        say(f"{slug} runs no instances: it is a static site, stopped, or was never deployed. See: canonry projects info {slug}")


def scale(
    instances: Annotated[int | None, argument("N", min=1, max=32, help="How many instances (1 to 32).")] = None,
    process: Annotated[str | None, option("--process", metavar="NAME", help="The process to scale. Without it: web.")] = None,
    memory: Annotated[int | None, option("--memory", min=32, metavar="MIB", help="Memory that each instance may use.")] = None,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Set how many instances a project runs, or how much memory each may use. Nothing stops serving meanwhile."""
    if instances is None and memory is None:
        raise Invalid(
            "usage", "There is nothing to change.", hint="Say how many: canonry scale 3. Or how large: canonry scale --memory 512."
        )
    changed = Api(current()).scale(project_of(project), instances=instances, process=process, memory_mb=memory)
    if as_json:
        print_json(changed)
    else:
        say(f"{changed['slug']}: {changed['instances']} instance(s) of {changed['memory_mb']} MiB.")


def _megabytes(size: int | None) -> str | None:
    return f"{size / (1 << 20):.0f} MiB" if size is not None else None
