"""Shapes of the first answers."""

from pydantic import BaseModel, Field

from canonry.core.settings import Settings
from canonry.features import specs
from canonry.features.dashboard.models import Overview


class DashboardAnswer(BaseModel):
    """The repositories of an organization, with and without specs."""

    org: str
    repos_with_specs: list[specs.RepoSummary]
    repos_without_specs: list[specs.RepoSummary]
    total_specs: int
    total_repos: int
    total_docs: int
    total_sections: int
    done_sections: int
    total_ac: int
    done_ac: int
    realized_ac: int


class WelcomeAnswer(BaseModel):
    """How far somebody new has come."""

    user_name: str
    app_installed: bool = Field(description="whether there is a repository")
    has_specs: bool
    install_url: str = Field(description="where a repository is made or connected")


def dashboard_answer(handle: str, found: Overview, settings: Settings) -> DashboardAnswer:
    """Return the overview as the API shows it."""
    summaries = [specs.repo_summary(repository, rows, index, settings) for repository, rows, index in found.repositories]
    all_specs = [row for _, rows, _ in found.repositories for row in rows if row.is_spec]
    return DashboardAnswer(
        org=handle,
        repos_with_specs=[item for item in summaries if item.has_specs],
        repos_without_specs=[item for item in summaries if not item.has_specs],
        total_specs=len(all_specs), total_repos=len(summaries), total_docs=sum(len(item.docs) for item in summaries),
        total_sections=sum(row.total_sections for row in all_specs), done_sections=sum(row.done_sections for row in all_specs),
        total_ac=sum(row.total_ac for row in all_specs), done_ac=sum(row.done_ac for row in all_specs),
        realized_ac=sum(row.realized_ac for row in all_specs),
    )  # fmt: skip
