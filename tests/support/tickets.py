"""A repository whose specs have tickets in Canonry, and the jobs that keep them in step."""

from pathlib import Path
from typing import Any

from canonry.features.tickets import jobs
from tests.support.api import Api
from tests.support.specs import SpecRepository, spec_repository

CANON = """version: "1"
specs:
  doc_paths: ["docs/specs/**/*.md"]
ticket_systems:
  board:
    system: canonry
    project: PAY
"""
SPEC = """---
title: Charges
owner: ada
tags: [payments]
review_status: approved
---

## 1. Retry

<!-- canon:system:1 status:todo -->

A charge that fails is tried again.

### Acceptance Criteria

- [ ] It MUST be tried three times
- [x] It is logged

## 2. Refund

<!-- canon:system:2 status:in_progress -->

## 3. Later

## Notes

<!-- canon:system:notes status:todo -->
"""
FILE = "docs/specs/charges.md"


def ticketed(api: Api, folder: Path, files: dict[str, str | bytes] | None = None, canon: str = CANON) -> SpecRepository:
    """Make a repository whose specs are followed by tickets, and bring them together once."""
    made = spec_repository(api, folder)
    push(made, files or {FILE: SPEC}, canon=canon)
    return made


def push(repository: SpecRepository, files: dict[str, str | bytes], canon: str | None = None) -> None:
    """Push files on top of what is on the server, index, and let the tickets follow, as the jobs do."""
    pull(repository)
    repository.push(files | ({} if canon is None else {"CANON.yaml": canon}))
    settle(repository)


def pull(repository: SpecRepository) -> None:
    """Fetch what Canonry committed."""
    repository.person.git("pull", "--quiet", "--rebase", str(repository.folder), "main")


def settle(repository: SpecRepository) -> None:
    """Do what waits after a push, a changed ticket or a request, until nothing waits."""
    container = repository.api.container
    jobs.after_index(container, repository.id)
    jobs.after_push(container, repository.id)


def text(repository: SpecRepository, path: str = FILE) -> str:
    """Return a file as it stands on the server."""
    return repository.person.git("--git-dir", str(repository.folder), "show", f"main:{path}").stdout


def commits(repository: SpecRepository) -> list[str]:
    """Return the subjects of all commits, newest first."""
    return repository.person.git("--git-dir", str(repository.folder), "log", "--format=%s", "main").stdout.splitlines()


def tickets(api: Api, query: str = "") -> list[dict[str, Any]]:
    """Return all tickets, the oldest first."""
    found: list[dict[str, Any]] = api.get(f"/v1/tickets{query}")["tickets"]
    return sorted(found, key=lambda ticket: int(ticket["id"].rpartition("-")[2]))


def changed(repository: SpecRepository, ticket: str, **fields: object) -> None:
    """Change a ticket and let its sections follow."""
    api = repository.api
    answer = api.ask("PATCH", f"/v1/tickets/{ticket}", fields)
    assert answer.status == 200, answer.body
    jobs.reflect(api.container, api.owner.organization_id, "canonry", ticket)
    jobs.follow(api.container, repository.id, api.owner.organization_id, "canonry", ticket)


def synced(repository: SpecRepository, **fields: object) -> dict[str, Any]:
    """Ask for a sync, carry it out, and return it."""
    api = repository.api
    asked = api.ask("POST", f"/v1/repositories/{repository.id}/tickets/syncs", fields)
    assert asked.status == 202, asked.body
    jobs.carry_out(api.container, repository.id, asked.json["sync"]["id"])
    found: dict[str, Any] = api.get(f"/v1/repositories/{repository.id}/tickets/syncs/{asked.json['sync']['id']}")["sync"]
    return found
