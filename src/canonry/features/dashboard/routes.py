"""HTTP for the first look at an organization."""

from fastapi import Response

from canonry.core.access import Permission
from canonry.features.dashboard import service
from canonry.features.dashboard.schemas import DashboardAnswer, WelcomeAnswer, dashboard_answer
from canonry.http.deps import OrgActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["JSON API"])


@router.operation("GET", "/app/{org}/api/dashboard", Permission.SPECS_READ, response_model=DashboardAnswer)
def show_dashboard(org: str, actor: OrgActorDep, tx: TxDep, services: ServicesDep) -> Response:
    """Show the repositories of the organization, those with specs and those without, and the sums over all specs."""
    del org
    handle, settings = actor.organization_handle, services.settings
    body = service.overview_as(lambda found: dashboard_answer(handle, found, settings), tx, actor)
    return Response(body, media_type="application/json")


@router.operation("GET", "/app/{org}/api/welcome", Permission.SPECS_READ)
def show_welcome(org: str, actor: OrgActorDep, tx: TxDep, services: ServicesDep) -> WelcomeAnswer:
    """Show how far somebody new has come: whether there is a repository, and whether there is a spec in one."""
    del org
    name, installed, has_specs = service.welcome(tx, actor)
    url = f"{services.settings.own_url}/app/{actor.organization_handle}/repos"
    return WelcomeAnswer(user_name=name, app_installed=installed, has_specs=has_specs, install_url=url)
