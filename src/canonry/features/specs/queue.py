"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

# While one waits, another push adds nothing: the one that waits reads the newest commit.
INDEX = Job("specs.index", lock="index:{repository_id}", coalesce=True, is_quick=True)
# What nobody writes any more is no suggestion; see store/words.py.
FORGET_WORDS = Job("specs.forget_words", lock="words:{organization_id}", coalesce=True)
# Once for each pull request, however many told of it.
APPROVE = Job("specs.approve", lock="approve:{repository_id}", is_quick=True)
