"""Proofs of backups over HTTP."""

from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport


class Proof(TypedDict):
    """A backup that was restored for a trial. document: what that showed, exactly as it was signed."""

    id: str
    database_id: str
    backup_id: str | None
    result: str
    document: str | None
    signature: str | None
    public_key: str | None
    created_at: str
    ended_at: str | None


class ProofsApi:
    """Calls about the proofs of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._at = f"/v1/projects/{quote(project, safe='')}/database"

    def drill(self) -> Proof:
        """Ask for the newest backup to be proven now. Raises: NotFound `database_not_found`."""
        return cast("Proof", self._transport.send("POST", f"{self._at}/drill")["proof"])

    def list(self, limit: int) -> tuple[list[Proof], str]:
        """Return the newest proofs, at most `limit` (and 100), and the public key that this Canonry signs with."""
        answer = self._transport.send("GET", f"{self._at}/proofs", query={"limit": str(min(limit, 100))})
        return cast("list[Proof]", answer["proofs"]), str(answer["public_key"])

    def get(self, proof: str) -> Proof:
        """Return one. Raises: NotFound `proof_not_found`."""
        return cast("Proof", self._transport.send("GET", f"{self._at}/proofs/{quote(proof, safe='')}")["proof"])
