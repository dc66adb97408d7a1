"""The jobs that report, by the names under which they queue."""

from canonry.infra.jobs import Job

# Says how a deployment stands now; several for one deployment come one after the other.
REPORT = Job("git.report", lock="report:{deployment_id}", is_quick=True)
# Says that nothing of a preview is live any more.
REPORT_CLOSED = Job("git.report_closed", lock="report:{preview_id}", is_quick=True)
