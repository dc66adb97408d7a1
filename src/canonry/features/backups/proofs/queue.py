"""The jobs of proofs, by the names under which they queue."""

from canonry.infra.jobs import Job

# One drill at a time in a whole Canonry: it is work for the disk that nobody waits for.
DRILL = Job("proofs.drill", lock="drills")
