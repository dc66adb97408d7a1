"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

NOTE_FAILURE = Job("notifications.note_failure", lock="notify:{organization_id}", is_quick=True)
NOTE_BACKUP = Job("notifications.note_backup", lock="notify:{organization_id}", is_quick=True)
# A database that is full, or nearly.
NOTE_FILL = Job("notifications.note_fill", lock="notify:{organization_id}", is_quick=True)
NOTE_DISK = Job("notifications.note_disk", lock="notify:platform", is_quick=True)
NOTE_SUCCESS = Job("notifications.note_success", lock="notify:{organization_id}", is_quick=True)
# A backup that failed its drill, or a database without a fresh proof.
NOTE_PROOF = Job("notifications.note_proof", lock="notify:{organization_id}", is_quick=True)
