"""`canonry backup`: Canonry's own state in the archive. `canonry restore`: a whole Canonry, made of that in an empty home."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import print_fields, print_json, print_table, say
from canonry.cli.server.options import HomeOption, JsonOption
from canonry.core.errors import Invalid, NotFound
from canonry.core.settings import read_settings

if TYPE_CHECKING:
    from canonry.core.settings import Settings
    from canonry.features.backups.instance.models import Snapshot
    from canonry.features.backups.instance.place import Place
    from canonry.wiring.container import Container

_PATIENCE = 3600.0  # seconds that the backup which is under way may take
FromOption = Annotated[str | None, option("--from", metavar="PLACE", help="Folder or s3://bucket/prefix that CANONRY_BACKUPS_URL named.")]
KeyOption = Annotated[Path | None, option("--key-file", metavar="FILE", help="File with the key of the backups.")]


def create(
    home: HomeOption = None,
    full: Annotated[bool, option("--full", help="Begin with a new base backup, also when there is one of today.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Back Canonry itself up now: rows, files, repositories, and what its databases have written. It does so by itself all the time.

    Everything is sealed with the key of backups, which is in no backup: `canonry backup key` prints it.
    """
    from canonry.features.backups.instance import rounds

    with _opened(home) as container:
        snapshot = rounds.create(container, anew=full)
        _bring_databases(container, rounds.place_of(container), snapshot)
        place = container.ports.objects.place
    if as_json:
        print_json(_shown(snapshot))
    else:
        say(f"{snapshot.id} is in {place}. It can be read with the key that `canonry backup key` prints, and without it not at all.")


def list_backups(home: HomeOption = None, source: FromOption = None, key_file: KeyOption = None, as_json: JsonOption = False) -> None:
    """List what the archive has of this Canonry (with --from: of any), the newest first."""
    place = _place(home, source, key_file, None)
    found = [place.load(snapshot_id) for snapshot_id in reversed(place.ids())]
    if as_json:
        print_json([_shown(snapshot) for snapshot in found])
        return
    rows = [(item.id, f"{item.at:%Y-%m-%d %H:%M:%S}", len(item.parts), len(item.repositories), len(item.clusters)) for item in found]
    print_table(("BACKUP", "TIME (UTC)", "PARTS", "REPOSITORIES", "DATABASES"), rows)
    say("Rows are kept to the minute beside these: a restore brings the latest.")


def show_key(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print the key of the backups. Keep it apart from them: whoever has both has everything, and without it nobody has anything."""
    from canonry.core.paths import Home
    from canonry.features.backups.instance.rounds import key_file
    from canonry.infra.backup.key import load_key

    settings = read_settings(home=home)
    place = Home(settings.home_path)
    if not place.root.is_dir():
        raise NotFound("home_missing", f"There is no Canonry in {place.root}.", hint="Name its home with --home, or start it: canonry up.")
    key = load_key(key_file(settings, place))
    if as_json:
        print_json({"id": key.id, "key": key.text.reveal()})
    else:
        print(key.text.reveal())


def verify(
    backup: Annotated[str | None, argument("BACKUP", help="The backup; the newest when absent.")] = None,
    home: HomeOption = None,
    source: FromOption = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Read everything that a restore would read, to the last byte. Ends with 1 when something is missing or damaged, and names it."""
    from canonry.features.backups.instance.checking import check

    place = _place(home, source, key_file, None)
    snapshot = _chosen(place, backup)
    found = check(place, snapshot)
    if as_json:
        print_json({"id": snapshot.id, "objects": found.objects, "bytes": found.bytes, "faults": list(found.faults)})
    else:
        print_fields({"backup": snapshot.id, "objects": found.objects, "bytes": found.bytes, "faults": list(found.faults)})
        say("Something is missing or damaged." if found.faults else "All of it can be read.")
    return 1 if found.faults else 0


def restore(
    source: Annotated[str, option("--from", metavar="PLACE", help="Folder or s3://bucket/prefix that CANONRY_BACKUPS_URL named.")],
    key_file: Annotated[Path, option("--key-file", metavar="FILE", help="File with the key of the backups.")],
    backup: Annotated[str | None, option("--backup", metavar="ID", help="Files as of this backup; rows are always the latest.")] = None,
    platform: Annotated[str | None, option("--platform", metavar="ID", help="Which Canonry, when the archive has several.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an empty home the Canonry that an archive holds: projects, variables, repositories, databases, volumes, live sites.

    Nothing runs afterwards; `canonry up` starts it. The home has to be empty; one that an earlier attempt left half-restored is begun anew.
    """
    from canonry.cli.server.home import explained
    from canonry.core.paths import Home
    from canonry.features.backups.instance import restoring
    from canonry.infra.locks import locked
    from canonry.wiring.clusters import make_clusters

    settings = read_settings(home=home)
    target = Home(settings.home_path)
    place = _place(home, source, key_file, platform)
    snapshot = _chosen(place, backup)
    if settings.database_url is not None and snapshot.base:
        raise Invalid("database_url_set", "The backup has rows of its own, and CANONRY_DATABASE_URL names another server.",
                      hint="Unset CANONRY_DATABASE_URL for the restore, and for Canonry afterwards.")  # fmt: skip
    lock = target.root.with_name(f".{target.root.name}.restore.lock")
    with explained(target.root):
        lock.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock, timeout=1, purpose="restore into this home"):
            done = restoring.restore(place, snapshot, target, make_clusters(settings, target), say)
            lock.unlink()
    if as_json:
        print_json({**_shown(snapshot), "home": str(target.root), "missing": list(done.missing)})
    for site in done.missing:
        say(f"The files of {site} are newer than the backup: deploy it again.")
    settings_file = restoring.settings_file(target)
    if settings.backups_url != _place_named(source):
        say(f"Set CANONRY_BACKUPS_URL={_place_named(source)} before you start it, or its backups go elsewhere from now on.")
    say(f"Restored to {target.root}. The settings it had are in {settings_file}; start it: canonry up --home {target.root}")


@contextmanager
def _opened(home: Path | None) -> "Iterator[Container]":
    """Give everything of a Canonry that runs, while no other backup of it is made."""
    from canonry.cli.server.opening import opened
    from canonry.infra.locks import locked

    with opened(home) as container, locked(container.home.run / "backup.lock", timeout=_PATIENCE, purpose="back Canonry up"):
        yield container


def _bring_databases(container: "Container", place: "Place", snapshot: "Snapshot") -> None:
    """See to it that what projects' databases have written by now is in the archive, a base backup first where there is none."""
    from canonry.features.backups.instance import rows

    for cluster in snapshot.clusters:
        rows.bring_cluster(container.ports.clusters, place.of_cluster(cluster), container.home.toolchains)


def _place(home: Path | None, source: str | None, key_file: Path | None, platform: str | None) -> "Place":
    """Return the Canonry that is meant: the one in an archive that was named, else the one of this home."""
    from canonry.core.paths import Home
    from canonry.features.backups.instance.place import Place, find_place, platform_of
    from canonry.features.backups.instance.rounds import key_file as usual_key_file
    from canonry.infra.backup.key import load_key
    from canonry.infra.crypto import Vault
    from canonry.infra.crypto import load_key as load_secret_key
    from canonry.wiring.objects import make_objects

    settings = read_settings(home=home, backups_url=_place_named(source))
    own = Home(settings.home_path)
    file = key_file or usual_key_file(settings, own)
    if not file.is_file():
        raise NotFound("backup_key_missing", f"There is no key of backups in {file}.", hint="Name the file that holds it with --key-file.")
    key = load_key(file)
    if source is None:
        return Place(make_objects(settings, own), key, platform_of(Vault(load_secret_key(own.secret_key))))
    _require_there(settings)
    return find_place(make_objects(settings, own), key, platform)


def _place_named(source: str | None) -> str | None:
    return source if source is None or source.startswith("s3://") else str(Path(source).expanduser().absolute())


def _require_there(settings: "Settings") -> None:
    if not settings.backups_url.startswith("s3://") and not Path(settings.backups_url).is_dir():
        raise NotFound("archive_missing", f"There is no folder {settings.backups_url}.", hint="Name the folder that holds `platform`.")


def _chosen(place: "Place", backup: str | None) -> "Snapshot":
    ids = place.ids()
    if not ids:
        raise NotFound(
            "no_backup", f"There is no backup of this Canonry in {place.objects.place}.", hint="Make one: canonry backup create."
        )
    if backup is not None and backup not in ids:
        raise Invalid("unknown_backup", f"There is no backup {backup!r}.", hint="canonry backup ls lists them.")
    return place.load(backup or ids[-1])


def _shown(snapshot: "Snapshot") -> dict[str, object]:
    return {
        "id": snapshot.id, "platform": snapshot.platform, "at": snapshot.at.isoformat(), "version": snapshot.version,
        "base": snapshot.base, "parts": len(snapshot.parts), "repositories": len(snapshot.repositories),
        "clusters": list(snapshot.clusters),
    }  # fmt: skip
