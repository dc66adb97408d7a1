"""`canonry ps` and `canonry scale`: the running copies of a project."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.scale import ScaleApi, Scales
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
    *,
    process: Annotated[str | None, option("--process", metavar="NAME", help="The process to scale. Without it: web.")] = None,
    size: Annotated[str | None, option("--size", metavar="SIZE", help="Memory and cpu by name: xs, s, m, l or xl.")] = None,
    memory: Annotated[int | None, option("--memory", min=32, metavar="MIB", help="Memory that each instance may use.")] = None,
    cpu: Annotated[float | None, option("--cpu", min=0, metavar="CORES", help="Cores that each instance may use; 0 for no limit.")] = None,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Set how many instances of a process run, or how big each is. Nothing stops serving meanwhile.

    With nothing to set it shows what every process has, and which sizes there are.
    """
    wish = {"instances": instances, "process": process, "size": size, "memory_mb": memory, "cpu": cpu or None}
    given = {name: value for name, value in wish.items() if value is not None or (name == "cpu" and cpu == 0)}
    if given.keys() == {"process"}:
        raise Invalid("usage", "There is nothing to change.", hint="Say how many: canonry scale 3. Or how large: canonry scale --size m.")
    api = ScaleApi(current(), project_of(project))
    if not given:
        _show(api.show(), as_json=as_json)
        return
    changed = api.set(given)
    if as_json:
        print_json(changed)
    else:
        say(f"{changed['process']}: {changed['instances']} instance(s) of {changed['memory_mb']} MiB{_cores(changed['cpu'])}.")


def _show(found: Scales, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (
            item["process"],
            item["instances"],
            f"{item['healthy']} of {item['running']}",
            item["size"],
            f"{item['memory_mb']} MiB",
            item["cpu"],
        )
        for item in found["processes"]
    ]
    print_table(("PROCESS", "INSTANCES", "HEALTHY", "SIZE", "MEMORY", "CPU"), rows)
    sizes = ", ".join(f"{tier['size']} ({tier['memory_mb']} MiB, {tier['cpu']:g} cpu)" for tier in found["tiers"])
    say(f"Sizes: {sizes}.")


def _cores(cpu: float | None) -> str:
    return f" and {cpu:g} cpu" if cpu is not None else ""


def _megabytes(size: int | None) -> str | None:
    return f"{size / (1 << 20):.0f} MiB" if size is not None else None
