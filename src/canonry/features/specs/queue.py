"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

# While one waits, another push adds nothing: the one that waits reads the newest commit.
INDEX = Job("specs.index", lock="index:{repository_id}", coalesce=True, is_quick=True)
