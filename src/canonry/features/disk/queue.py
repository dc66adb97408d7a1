"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

# What is superfluous in an environment. It has the lock of the environment's deployments: what one of them is about to use stays.
TIDY = Job("disk.tidy", lock="deploy:{project_id}:{environment}")
# A deployment went live: its environment is tidied.
AFTER_DEPLOY = Job("disk.after_deploy")
