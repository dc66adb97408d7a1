"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

# Closes a preview whose time is over, or whose branch or pull request is gone; not one that was brought up to date since then.
CLOSE = Job("previews.close", lock="preview:{preview_id}:{version}", coalesce=True)
