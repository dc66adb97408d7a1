"""The job of deleted repositories, by the name under which it queues."""

from canonry.infra.jobs import Job

CLEAR = Job("git.clear_repository", lock="clear:{folder}", coalesce=True, is_quick=True)
