"""The jobs of backups of projects, by the names under which they queue."""

from canonry.infra.jobs import Job

# Keeps what is live before somebody's deployment takes its place.
BEFORE_DEPLOYMENT = Job("backups.before_deployment", lock="backup:{project_id}")
