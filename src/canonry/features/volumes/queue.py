"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

# Deletes the folder of a volume that somebody removed.
CLEAR = Job("volumes.clear", lock="volume:{volume_id}")
