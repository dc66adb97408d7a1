"""HTTP for signing in with a password, and for the sessions of the caller."""

from fastapi import Request, Response

from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth import identity, service
from canonry.features.auth.routes.arrival import begin, give_cookies
from canonry.features.auth.schemas import SessionAnswer, SessionsAnswer, SignIn, Switch, answer_of, body_of
from canonry.http.cookies import clear_cookies
from canonry.http.csrf import csrf_token, require_same_origin
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import PUBLIC, SIGNED_IN, Routes

router = Routes(tags=["Account"])


@router.operation("POST", "/auth/session", PUBLIC, status_code=201, errors=(401, 403))
def sign_in(body: SignIn, request: Request, response: Response, services: ServicesDep) -> SessionAnswer:
    """Sign in with e-mail address and password. The answer sets the session cookie; its `csrf_token` goes with every change."""
    require_same_origin(request)
    user = accounts.sign_in(
        services.transactions, services.vault, email=body.email, password=Secret(body.password.get_secret_value()), code=body.code,
        address=request.client.host if request.client else "",
    )  # fmt: skip
    with services.transactions.begin() as tx:
        arrival = begin(tx, request, user.id, way="password")
        actor = identity.actor_in(tx, arrival.opened.session)
    give_cookies(request, response, arrival)
    session = arrival.opened.session
    return answer_of(session, actor, user, csrf_token(services.vault, session.id))


@router.operation("GET", "/auth/session", SIGNED_IN)
def get_session(actor: ActorDep, tx: TxDep, services: ServicesDep) -> SessionAnswer:
    """Show the session you are signed in with, and its `csrf_token`."""
    session = service.current(tx, actor)
    return answer_of(session, actor, accounts.get_user(tx, actor.user_id), csrf_token(services.vault, session.id))


@router.operation("DELETE", "/auth/session", SIGNED_IN, status_code=204)
def sign_out(request: Request, actor: ActorDep, tx: TxDep) -> Response:
    """Sign out: the session ends, and the browser forgets its cookies."""
    service.sign_out(tx, actor)
    response = Response(status_code=204)
    clear_cookies(request, response)
    return response


@router.operation("GET", "/auth/sessions", SIGNED_IN)
def list_sessions(page: PageDep, actor: ActorDep, tx: TxDep) -> SessionsAnswer:
    """List where you are signed in, newest first."""
    rows, cursor = service.page(tx, actor, page)
    return SessionsAnswer(sessions=[body_of(row, actor) for row in rows], next_cursor=cursor)


@router.operation("DELETE", "/auth/sessions/{session}", SIGNED_IN, status_code=204)
def revoke_session(session: str, actor: ActorDep, tx: TxDep) -> Response:
    """End one of your sessions; its very next request is refused."""
    service.revoke(tx, actor, session)
    return Response(status_code=204)


@router.operation("POST", "/auth/organization", SIGNED_IN, errors=(404,))
def switch_organization(body: Switch, actor: ActorDep, tx: TxDep, services: ServicesDep) -> SessionAnswer:
    """Let this session act in another of your organizations."""
    service.switch(tx, actor, body.organization)
    session = service.current(tx, actor)
    return answer_of(session, identity.actor_in(tx, session), accounts.get_user(tx, actor.user_id), csrf_token(services.vault, session.id))
