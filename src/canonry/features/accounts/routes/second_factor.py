"""HTTP for one's own second factor."""

from fastapi import Request

from canonry.core.access import require_person
from canonry.core.secret import Secret
from canonry.features.accounts import second_factor
from canonry.features.accounts.routes.me import address_of, secret_of
from canonry.features.accounts.schemas import (
    CodeOnly,
    PasswordOnly,
    PasswordOrCode,
    RecoveryCodes,
    SecondFactorProposal,
    SecondFactorState,
)
from canonry.features.accounts.second_factor import Proof
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import SIGNED_IN, Routes

router = Routes(tags=["Account"])


@router.operation("GET", "/me/two-factor", SIGNED_IN)
def get_second_factor(actor: ActorDep, tx: TxDep) -> SecondFactorState:
    """Say whether signing in takes a second factor."""
    enabled, left = second_factor.state(tx, actor.user_id)
    return SecondFactorState(enabled=enabled, recovery_codes_left=left)


@router.operation("POST", "/me/two-factor", SIGNED_IN, status_code=201, errors=(409,))
def begin_second_factor(body: PasswordOnly, request: Request, actor: ActorDep, services: ServicesDep) -> SecondFactorProposal:
    """Begin: get a secret for your authenticator app. It is in force when you confirm it with a code."""
    require_person(actor)
    made = second_factor.propose(services, actor.user_id, password=secret_of(body.password), address=address_of(request))
    return SecondFactorProposal(secret=made.secret.reveal(), uri=made.uri.reveal(), qr_svg=made.qr_svg.reveal())


@router.operation("POST", "/me/two-factor/confirm", SIGNED_IN, errors=(409,))
def confirm_second_factor(body: CodeOnly, actor: ActorDep, tx: TxDep, services: ServicesDep) -> RecoveryCodes:
    """Put it in force with a code of the app. The answer holds recovery codes, shown this once."""
    require_person(actor)
    return RecoveryCodes(recovery_codes=second_factor.confirm(services, tx, actor.user_id, body.code))


@router.operation("POST", "/me/two-factor/disable", SIGNED_IN, status_code=204, errors=(409,))
def disable_second_factor(body: PasswordOrCode, request: Request, actor: ActorDep, services: ServicesDep) -> None:
    """Turn it off, with your password or a code."""
    require_person(actor)
    second_factor.disable(services, actor.user_id, _proof(body, request))


@router.operation("POST", "/me/two-factor/recovery-codes", SIGNED_IN, errors=(409,))
def renew_recovery_codes(body: PasswordOrCode, request: Request, actor: ActorDep, services: ServicesDep) -> RecoveryCodes:
    """Get new recovery codes, with your password or a code; those before count no more."""
    require_person(actor)
    return RecoveryCodes(recovery_codes=second_factor.renew_recovery_codes(services, actor.user_id, _proof(body, request)))


def _proof(body: PasswordOrCode, request: Request) -> Proof:
    return Proof(password=None if body.password is None else Secret(body.password), code=body.code, address=address_of(request))
