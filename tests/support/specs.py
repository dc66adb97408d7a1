"""A repository of specs behind the real API: pushed, announced and indexed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from canonry.features.git import hosted_repository
from canonry.features.specs import indexing
from tests.support.api import Api
from tests.support.git import Person

CANON = 'version: "1"\nteam: platform\nspecs:\n  doc_paths: ["docs/specs/**/*.md"]\n'


@dataclass
class SpecRepository:
    """A hosted repository without a project, and somebody who pushes to it. name: in the organization `ada`."""

    api: Api
    person: Person
    id: str
    name: str

    @property
    def folder(self) -> Path:
        """Where it lies, bare."""
        return hosted_repository(self.api.container.home, self.id)

    def push(self, files: Mapping[str, str | bytes], message: str = "Change") -> str:
        """Commit files, push and index; return the commit."""
        commit = self.person.commit(files, message)
        self.person.git("push", "--quiet", "--force", str(self.folder), "main")
        self.index()
        return commit

    def index(self) -> None:
        """Index what the repository has now, as the job does."""
        assert self.api.ask("POST", f"/v1/repositories/{self.id}/refresh").status == 200
        indexing.run(self.api.container, self.id)


def spec_repository(api: Api, folder: Path, name: str = "handbook") -> SpecRepository:
    """Make a repository with a CANON.yaml in it."""
    made = api.ask("POST", "/v1/repositories", {"name": name})
    assert made.status == 201, made.body
    repository = SpecRepository(api, Person(folder / name), made.json["repository"]["id"], name)
    repository.push({"CANON.yaml": CANON}, "Begin")
    return repository
