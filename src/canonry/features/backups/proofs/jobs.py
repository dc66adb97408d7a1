"""Background entry points: each takes the container and ids."""

from canonry.features.backups.context import Context


def drill(context: Context, proof_id: str) -> None:
    """Prove the newest backup of a database."""
    from canonry.features.backups.proofs import drill as drills  # noqa: PLC0415 -- brings the whole library of backups along

    drills.run(context, proof_id)
