"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

# While one waits, another push adds nothing: the one that waits reads the newest commit.
INDEX = Job("specs.index", lock="index:{repository_id}", coalesce=True, is_quick=True)
# Once for each pull request, however many told of it.
APPROVE = Job("specs.approve", lock="approve:{repository_id}", is_quick=True)
