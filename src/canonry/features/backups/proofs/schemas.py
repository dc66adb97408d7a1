"""Shapes of answers about proofs."""

from pydantic import BaseModel, Field

from canonry.features.backups.proofs.models import Proof


class ProofBody(BaseModel):
    """A backup that was restored for a trial.

    document: what that showed, exactly as it was signed (JSON). signature: of it (Ed25519, base64), by the key whose public half is
    public_key. Whoever has that can check it without asking anybody.
    """

    id: str
    project_id: str
    database_id: str
    backup_id: str | None
    result: str = Field(description="waiting, running, passed or failed")
    document: str | None
    signature: str | None
    public_key: str | None
    created_at: str
    ended_at: str | None


class ProofAnswer(BaseModel):
    """One proof."""

    proof: ProofBody


class ProofsAnswer(BaseModel):
    """One page of the proofs of a project, newest first, and the public key that this Canonry signs with."""

    proofs: list[ProofBody]
    public_key: str
    next_cursor: str | None = None


def proof_body(row: Proof) -> ProofBody:
    """Return a proof as the API shows it."""
    return ProofBody(
        id=row.id, project_id=row.project_id, database_id=row.database_id, backup_id=row.backup_id, result=str(row.result),
        document=row.document, signature=row.signature, public_key=row.public_key, created_at=row.created_at.isoformat(),
        ended_at=row.ended_at.isoformat() if row.ended_at is not None else None,
    )  # fmt: skip
