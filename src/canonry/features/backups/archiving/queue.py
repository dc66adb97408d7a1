"""The jobs of backups of databases, by the names under which they queue."""

from canonry.infra.jobs import Job

# A backup that somebody asked for.
MAKE = Job("database_backups.make", lock="database_backup:{database_id}:{kind}", coalesce=True)
