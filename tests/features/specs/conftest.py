"""A repository whose index is looked at, over a real database."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from canonry.core.paths import Home
from canonry.features import accounts, git
from canonry.features.git.hosted import ensure_hosted
from canonry.features.git.repositories import service, store
from canonry.features.specs import indexing
from canonry.infra.db import Database
from canonry.infra.jobs import Queue
from canonry.infra.tx import Transactions
from tests.support.git import Person

CANON = 'version: "1"\nteam: platform\nspecs:\n  doc_paths: ["docs/specs/**/*.md"]\n'


@dataclass
class Shelf:
    """One organization with repositories, and what the indexer is handed."""

    home: Home
    transactions: Transactions
    organization_id: str

    def add(self, repository_id: str) -> Path:
        """Make an empty repository and return its folder."""
        with self.transactions.begin() as tx:
            store.insert(tx, repository_id, self.organization_id, name=repository_id)
        return ensure_hosted(self.home, repository_id, "main")

    def index(self, repository_id: str) -> None:
        """Announce what was pushed, and index it."""
        with self.transactions.begin() as tx:
            repository = git.get_repository(tx, repository_id)
        service.look_again(self.transactions, self.home, repository)
        indexing.run(self, repository_id)

    def everything(self, repository_id: str) -> dict[str, object]:
        """Return all that is in the index of a repository, without the numbers of rows."""
        with self.transactions.begin() as tx:
            rows = tx.connection.execute(
                """SELECT d.path, to_jsonb(d) - 'id' - 'repository_id', d.search::text,
                    coalesce((SELECT jsonb_agg(to_jsonb(s) - 'document_id' ORDER BY position) FROM spec_sections s
                        WHERE document_id = d.id), '[]'),
                    coalesce((SELECT jsonb_agg(to_jsonb(c) - 'document_id' ORDER BY position) FROM spec_criteria c
                        WHERE document_id = d.id), '[]'),
                    coalesce((SELECT jsonb_agg(to_jsonb(l) - 'document_id' ORDER BY line, target) FROM spec_links l
                        WHERE document_id = d.id), '[]')
                    FROM spec_documents d WHERE d.repository_id = %s ORDER BY d.path""",
                (repository_id,),
            ).fetchall()
            state = tx.connection.execute(
                "SELECT commit, config, diagnostics FROM spec_indexes WHERE repository_id = %s", (repository_id,)
            ).fetchone()
        return {"": state, **{row[0]: row[1:] for row in rows}}

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the database."""
        with self.transactions.begin() as tx:
            return tx.connection.execute(query, values).fetchall()  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def shelf(tmp_path: Path, database: Database) -> Shelf:
    home = Home(tmp_path / "home")
    home.create()
    transactions = Transactions(database, Queue({}))
    with transactions.begin() as tx:
        _, organization_id = accounts.create_owner(tx, email="ada@example.com", name="Ada", handle="ada", organization_name="Ada")
    return Shelf(home, transactions, organization_id)


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Somebody with a work tree of two specs and a README."""
    person = Person(tmp_path / "work")
    person.commit(
        {"CANON.yaml": CANON, "README.md": "# Shop\n\nSee [login](docs/specs/login.md).\n", "docs/specs/login.md": LOGIN}, "First"
    )
    return person


LOGIN = """---
title: Login
status: in_progress
owner: ada
team: identity
tags: [auth, web]
---

# Login

People sign in.

## 1. Passwords

<!-- canon:system:1 status:done -->

See [the README](../../README.md) and [outside](https://example.com/x).

### Acceptance Criteria

- [x] A wrong password MUST be refused
  <!-- canon:realized-in:PR#12 file:src/login.py:3-9 -->
- [ ] The form SHOULD say why

## 2. Sessions

<!-- canon:system:2 status:todo -->
<!-- canon:ticket:jira:OPS-7 url:https://tracker.example/OPS-7 -->

- [ ] A session MUST end after 30 days
"""
