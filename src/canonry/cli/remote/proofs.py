"""`canonry db drill`, `proofs`, `verify`: backups that were restored for a trial, and that this was so."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from canonry.cli.arguments import argument, option
from canonry.cli.errors import FAILED
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Limit, Project
from canonry.client.credentials import current
from canonry.client.proofs import Proof, ProofsApi
from canonry.core.errors import Conflict, Invalid, NotFound
from canonry.core.signatures import is_signed

_PAUSE = 0.5

Wait = Annotated[bool, option("--wait/--no-wait", help="Wait until it has ended, or leave at once.")]
File = Annotated[Path, argument("FILE", help="What `canonry db proofs --json` printed; - for stdin.")]
Key = Annotated[
    str | None, option("--key", metavar="TEXT", help="The public key; with it nobody is asked. Without it: the one of the server.")
]


def drill(wait: Wait = True, project: Project = None, as_json: AsJson = False) -> int:
    """Prove the newest backup of the database now: it is restored into a throwaway one and checked. Every night does the same."""
    api = ProofsApi(current(), project_of(project))
    proof = api.drill()
    if wait:
        told = ""
        while proof["result"] in {"waiting", "running"}:
            if proof["result"] != told:
                told = proof["result"]
                say(f"{proof['id']}: {told}")
            time.sleep(_PAUSE)
            proof = api.get(proof["id"])
    if as_json:
        print_json(proof)
    elif wait:
        _show(proof)
    else:
        print(proof["id"])
    return FAILED if proof["result"] == "failed" else 0


def list_proofs(limit: Limit = 50, project: Project = None, as_json: AsJson = False) -> None:
    """List the proofs of a project's backups, the newest first."""
    slug = project_of(project)
    found, key = ProofsApi(current(), slug).list(limit)
    if as_json:
        print_json(found)
    elif found:
        print_table(("PROOF", "RESULT", "BACKUP", "WHEN", "WHAT"), [
            (item["id"], item["result"], item["backup_id"] or "", f"{age(item['ended_at'] or item['created_at'])} ago", _fault(item))
            for item in found
        ])  # fmt: skip
        say(f"Signed with the key {key}. Check what you keep of them with: canonry db verify FILE --key {key}")
    else:
        say(f"No backup of {slug} is proven. Prove the newest now with: canonry db drill")


def verify_proof(file: File, key: Key = None, project: Project = None, as_json: AsJson = False) -> None:
    """Check that proofs are what a Canonry signed, to the letter. With --key that needs no server and no network."""
    proofs = _read(file)
    public = key if key is not None else ProofsApi(current(), project_of(project)).list(1)[1]
    for number, proof in enumerate(proofs, 1):
        document, signature = proof.get("document"), proof.get("signature")
        if not isinstance(document, str) or not isinstance(signature, str) or not is_signed(public, document, signature):
            raise Conflict("proof_not_genuine", f"Proof {number} of {len(proofs)} ({proof.get('id', 'without an id')}) was not signed so.",
                           hint="Something in it was changed, or another key signed it.")  # fmt: skip
    documents = [json.loads(str(proof["document"])) for proof in proofs]
    if as_json:
        print_json(documents)
        return
    for document in documents:
        print(f"{document['proof']} {document['result']}: backup {document['backup'] or 'none'}, {document['ended']}")
    say(f"{len(documents)} proofs are genuine.")


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        found = json.loads(text)
    except FileNotFoundError as error:
        raise NotFound("file_not_found", f"There is no file {file}.") from error
    except (OSError, ValueError) as error:
        raise _no_proofs(file) from error
    proofs = [proof for proof in (found if isinstance(found, list) else [found]) if isinstance(proof, dict)]
    if not proofs:
        raise _no_proofs(file)
    done = [proof for proof in proofs if proof.get("result") not in {"waiting", "running"}]
    if not done:
        raise _no_proofs(file)
    return done


def _no_proofs(file: Path) -> Invalid:
    return Invalid("no_proofs", f"{file} holds no proofs.", hint="Write some into it: canonry db proofs --json > FILE")


def _show(proof: Proof) -> None:
    document = json.loads(proof["document"] or "{}")
    print_table(("CHECK", "", "WHAT IT FOUND"), [
        (item["name"], "ok" if item["ok"] else "FAILED", item["detail"]) for item in document.get("checks", [])
    ])  # fmt: skip
    say(f"{proof['id']}: the backup {proof['backup_id'] or 'there is none'} {'is proven' if proof['result'] == 'passed' else 'FAILED'}.")


def _fault(proof: Proof) -> str:
    checks = json.loads(proof["document"] or "{}").get("checks", [])
    return next((f"{item['name']}: {item['detail']}"[:100] for item in checks if not item["ok"]), "")
