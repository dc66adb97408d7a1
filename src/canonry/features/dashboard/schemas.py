"""Shapes of the first answers."""

from pydantic import BaseModel, Field

from canonry.core.settings import Settings
from canonry.features import specs
from canonry.features.dashboard.models import Overview
from canonry.infra.written import with_lists


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


def dashboard_answer(handle: str, found: Overview, settings: Settings) -> bytes:
    """Return the overview as the API shows it, a `DashboardAnswer`."""
    all_specs = [spec for _, listing, _ in found.repositories for spec in listing.specs]
    answer = DashboardAnswer(
        org=handle, repos_with_specs=[], repos_without_specs=[], total_specs=len(all_specs), total_repos=len(found.repositories),
        total_docs=sum(len(listing.others) for _, listing, _ in found.repositories),
        total_sections=sum(spec.total_sections for spec in all_specs), done_sections=sum(spec.done_sections for spec in all_specs),
        total_ac=sum(spec.total_ac for spec in all_specs), done_ac=sum(spec.done_ac for spec in all_specs),
        realized_ac=sum(spec.realized_ac for spec in all_specs),
    )  # fmt: skip
    written = [(bool(listing.specs), specs.repo_summary(item, listing, index, settings)) for item, listing, index in found.repositories]
    return with_lists(
        answer,
        repos_with_specs=[text for has_specs, text in written if has_specs],
        repos_without_specs=[text for has_specs, text in written if not has_specs],
    )
