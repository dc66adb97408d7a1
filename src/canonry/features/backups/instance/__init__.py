"""Canonry's own state in the archive: its rows continuously, its files as they change; and a whole Canonry made of that again.

platform/<id>/snapshots/<time>      what belongs together, written last: parts, repositories, clusters, settings
platform/<id>/parts/<kind>/<name>   folders and files, each under a name that says what is in it, so that nothing is sent twice
base|wal/platform-<id>/…            Canonry's own rows, as those of projects (infra/backup)

    models.py        what a snapshot names           packing.py      folders as streams of tar, and back
    repositories.py  git bundles, each the news of the one before        taking.py     a snapshot of what is here
    store.py         which files the rows need       checking.py     whether a snapshot can be read, wholly
    restoring.py     an empty home becomes it        rounds.py       when all that happens
"""

from canonry.features.backups.instance.rounds import InstanceRounds, alarms

__all__ = ["InstanceRounds", "alarms"]
