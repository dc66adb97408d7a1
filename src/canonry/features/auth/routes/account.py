"""The page about oneself: where one is signed in, and in which organization one acts."""

from typing import Annotated

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse

from canonry.core.paging import Page
from canonry.features import accounts
from canonry.features.auth import pages, service
from canonry.features.auth.github import service as github
from canonry.http.csrf import csrf_token
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.pages import html_page
from canonry.http.routing import SIGNED_IN, Routes

router = Routes(tags=["Authentication"])

_SHOWN = Page(100)
_HERE = "/auth/account"


@router.operation("GET", "/auth/account", SIGNED_IN, include_in_schema=False)
def show_account(
    actor: ActorDep, tx: TxDep, services: ServicesDep, auth_error: Annotated[str, Query(max_length=100)] = ""
) -> Response:  # fmt: skip
    """Show who is signed in, and where."""
    current = service.current(tx, actor)
    rows, _ = service.page(tx, actor, _SHOWN)
    body = pages.account(
        accounts.get_user(tx, actor.user_id), accounts.memberships(tx, actor.user_id), rows, current, csrf_token(services.vault, current.id)
    )
    if services.settings.github_client_id is not None:
        body += pages.github_link(github.git_identity(tx, actor.user_id), auth_error)
    return html_page("Your account", body, wide=True)


@router.operation("POST", "/auth/account/sessions/{session}", SIGNED_IN, include_in_schema=False)
def end_session(session: str, actor: ActorDep, tx: TxDep) -> Response:
    """End one of the caller's sessions."""
    service.revoke(tx, actor, session)
    return RedirectResponse(_HERE, 303)


@router.operation("POST", "/auth/account/organization", SIGNED_IN, include_in_schema=False)
def switch(organization: Annotated[str, Form(max_length=100)], actor: ActorDep, tx: TxDep) -> Response:
    """Act in another organization."""
    service.switch(tx, actor, organization)
    return RedirectResponse(_HERE, 303)
