"""The jobs of restores, by the names under which they queue."""

from canonry.infra.jobs import Job

# One thing at a time is done with the databases of a project.
PREPARE = Job("restores.prepare", lock="restores:{project_id}")
EXCHANGE = Job("restores.exchange", lock="restores:{project_id}")
# Removes a database that nobody wants any more.
CLEAR = Job("restores.clear", lock="restores:{project_id}")
