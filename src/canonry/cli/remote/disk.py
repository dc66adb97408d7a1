"""`canonry disk`: who uses the disk, and how room is made; pins."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import print_fields, print_json, print_table, say, warn
from canonry.cli.remote.options import AsJson, Project
from canonry.client.credentials import current
from canonry.client.disk import Disk, DiskApi, ProjectDisk

_DeploymentId = Annotated[str, argument("DEPLOYMENT", help="The deployment (dep_...).")]
_SHOWN = 20


def show_disk(project: Project = None, as_json: AsJson = False) -> None:
    """Show how full the disk of this Canonry is and who uses how much of it; with --project what one project keeps and may keep.

    The whole disk is shown to those who run this Canonry, a project to its members.
    """
    api = DiskApi(current())
    if project is not None:
        of_project = api.project_disk(project)
        print_json(of_project) if as_json else _show_project(of_project)
        return
    found = api.disk()
    print_json(found) if as_json else _show(found)


def prune(
    dry_run: Annotated[bool, option("--dry-run", "-n", help="Only show what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what can be made again: caches of builds, toolchains that nothing needs, mirrors. What is live or pinned stays.

    Artifacts behind the newest five of an environment, uploads and logs beyond the budgets go as well, as soon as no deployment of theirs
    runs. Nothing is removed that Canonry did not make.
    """
    done = DiskApi(current()).prune(dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    largest = sorted(done["removed"], key=lambda item: -item["bytes"])
    if largest:
        print_table(("WHAT", "NAME", "SIZE"), [(item["what"], item["name"], size(item["bytes"])) for item in largest[:_SHOWN]])
    if len(largest) > _SHOWN:
        print(f"and {len(largest) - _SHOWN} more")
    say(f"{'Would remove' if dry_run else 'Removed'} {len(largest)} things of {size(done['bytes'])}.")
    if done["environments"] and not dry_run:
        say(f"{done['environments']} environments are looked through for old artifacts and logs now.")


def pin(deployment: _DeploymentId, as_json: AsJson = False) -> None:
    """Keep what a deployment built for good, so that a rollback to it stays possible."""
    done = DiskApi(current()).pin(deployment, pinned=True)
    print_json(done) if as_json else say(f"What {deployment} built is kept until you unpin it.")


def unpin(deployment: _DeploymentId, as_json: AsJson = False) -> None:
    """Keep what a deployment built no longer than others: as one of the newest five, or while it is live."""
    done = DiskApi(current()).pin(deployment, pinned=False)
    print_json(done) if as_json else say(f"{deployment} is no longer pinned.")


def _show(found: Disk) -> None:
    marks = {"fine": "fine", "low": "low: caches are being removed", "full": "full: builds have stopped"}
    print_fields({
        "disk": f"{size(found['free_bytes'])} of {size(found['total_bytes'])} free",
        "state": marks.get(found["mark"], found["mark"]),
        "marks": f"caches go below {size(found['clean_below_bytes'])} free, builds stop below {size(found['reserve_bytes'])}",
    })  # fmt: skip
    kinds = [kind for kind in found["budgets"] if any(row["used"][kind] for row in found["projects"])]
    kinds += [kind for kind in ("database", "volumes") if any(row["used"][kind] for row in found["projects"])]
    rows = [
        (row["slug"], *(size(row["used"][kind]) + ("!" if kind in row["over"] else "") for kind in kinds), size(row["used"]["total"]))
        for row in found["projects"]
    ]
    if rows:
        print()
        print_table(("PROJECT", *(kind.replace("_", " ").upper() for kind in kinds), "TOTAL"), rows)
    print()
    shared = sorted(found["platform"].items(), key=lambda item: -item[1])
    print_table(("CANONRY ITSELF", "SIZE"), [(name.replace("_", " "), size(used)) for name, used in shared])
    if any(row["over"] for row in found["projects"]):
        warn("! marks what is beyond its budget.")


def _show_project(found: ProjectDisk) -> None:
    rows = [
        (kind.replace("_", " "), size(used), size(found["budgets"][kind]) if kind in found["budgets"] else None)
        for kind, used in found["used"].items()
    ]
    print_table(("WHAT", "USED", "BUDGET"), rows)
    if found["pinned"]:
        print(f"pinned: {', '.join(found['pinned'])}")


def size(count: int) -> str:
    """Return a number of bytes for people, like `1.4 GiB`."""
    number = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:.0f} {unit}" if unit in {"B", "KiB"} else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
