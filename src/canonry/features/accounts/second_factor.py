"""The second factor of people with a password: codes of an authenticator app (TOTP), and recovery codes for the day the app is gone."""

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass

from canonry.core.errors import Conflict, Denied, Invalid, Issue
from canonry.core.secret import Secret
from canonry.features.accounts import attempts, letters, service
from canonry.features.accounts.attempts import SIGN_IN
from canonry.features.accounts.context import Context
from canonry.features.accounts.events import RecoveryCodesRenewed, SecondFactorDisabled, SecondFactorEnabled
from canonry.features.accounts.password import confirm_person
from canonry.features.accounts.store import second_factors as store
from canonry.features.accounts.store import users
from canonry.infra.crypto import Vault
from canonry.infra.mailbox import queue_mail
from canonry.infra.tx import Tx

_STEP = 30
_WINDOW = (0, -1, 1)  # steps around the present one whose code is taken: clocks differ
_CODES = 10


@dataclass(frozen=True)
class Proposal:
    """What an authenticator app needs: the secret to type, or the address that holds it, as text and as a QR code (SVG)."""

    secret: Secret
    uri: Secret
    qr_svg: Secret


@dataclass(frozen=True)
class Proof:
    """That it is the person themselves: their password, or a code. address: of the client."""

    password: Secret | None
    code: str | None
    address: str


def accepts(tx: Tx, vault: Vault, user_id: str, code: str, *, confirmed: bool = True) -> bool:
    """Say whether this is a code of the person's app, or an unused recovery code; it is used up by that.

    confirmed: False for the code that confirms a new app, which no recovery code can do.
    """
    sealed = store.sealed_secret(tx, user_id, confirmed=confirmed)
    if sealed is None:
        return False
    typed = re.sub(r"[\s-]", "", code).lower()
    if re.fullmatch(r"[0-9]{6}", typed):
        step = _step_of(vault.open(sealed, bound=_bound(user_id)).reveal(), typed)
        return step is not None and store.use_step(tx, user_id, step)
    return confirmed and store.use_recovery_code(tx, user_id, hashlib.sha256(typed.encode()).digest())


def new_recovery_codes(tx: Tx, user_id: str) -> list[str]:
    """Make ten recovery codes in place of those before. They are shown this once; 80 random bits each, kept as SHA-256."""
    plain = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(_CODES)]
    store.replace_recovery_codes(tx, user_id, [hashlib.sha256(code.encode()).digest() for code in plain])
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in plain]


def propose(context: Context, user_id: str, *, password: Secret | None, address: str) -> Proposal:
    """Begin: make a secret for an authenticator app. It is in force when a code of the app has confirmed it.

    Raises: Invalid `password_needed`; Denied `wrong_password`; Conflict `no_password`, `second_factor_on`; Limited `too_many_attempts`.
    """
    import pyotp  # noqa: PLC0415 -- only people with a second factor need it
    import segno  # noqa: PLC0415 -- likewise

    user = confirm_person(context, user_id, password, address=address)
    secret = pyotp.random_base32()
    with context.transactions.begin() as tx:
        if users.password_hash(tx, user_id) is None:
            raise Conflict("no_password", "A second factor goes with a password, and you have none.",
                           hint="Set one first, or use the second factor of your identity provider.")  # fmt: skip
        if not store.propose(tx, user_id, context.vault.seal(secret, bound=_bound(user_id))):
            raise Conflict("second_factor_on", "You have a second factor already.", hint="Turn it off first to change the app.")
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=f"Canonry {context.settings.base_domain}")
    return Proposal(
        Secret(secret), Secret(uri), Secret(segno.make(uri, error="m").svg_inline(scale=5, border=4, light="#fff", dark="#000"))
    )


def confirm(context: Context, tx: Tx, user_id: str, code: str) -> list[str]:
    """Put the proposed second factor in force with a code of the app, and return the recovery codes, which are shown this once.

    Raises: Conflict `second_factor_not_begun`; Invalid `invalid_code`.
    """
    if store.sealed_secret(tx, user_id, confirmed=False) is None:
        raise Conflict("second_factor_not_begun", "There is nothing to confirm.", hint="Begin with POST /v1/me/two-factor.")
    if not accepts(tx, context.vault, user_id, code, confirmed=False) or not store.confirm(tx, user_id):
        issues = [Issue("body.code", "not a code of this app", "code")]
        hint = "Wait for the next one; the clock of the device must be right."
        raise Invalid("invalid_code", "That code is wrong or too old.", hint=hint, issues=issues)
    _tell(context, tx, user_id, SecondFactorEnabled, on=True)
    return new_recovery_codes(tx, user_id)


def disable(context: Context, user_id: str, proof: Proof) -> None:
    """Turn the second factor off, with the password or a code.

    Raises: Conflict `second_factor_off`; Invalid `password_needed`; Denied `wrong_password`, `wrong_code`; Limited `too_many_attempts`.
    """
    _prove(context, user_id, proof)
    with context.transactions.begin() as tx:
        if not store.remove(tx, user_id):
            raise _off()
        _tell(context, tx, user_id, SecondFactorDisabled, on=False)


def renew_recovery_codes(context: Context, user_id: str, proof: Proof) -> list[str]:
    """Make recovery codes in place of those before, with the password or a code. Raises: as `disable`."""
    _prove(context, user_id, proof)
    with context.transactions.begin() as tx:
        if not store.state(tx, user_id)[0]:
            raise _off()
        tx.emit(RecoveryCodesRenewed(service.home_organization(tx, user_id), user_id))
        return new_recovery_codes(tx, user_id)


def state(tx: Tx, user_id: str) -> tuple[bool, int]:
    """Say whether a person's second factor is in force, and how many recovery codes they have left."""
    return store.state(tx, user_id)


def _prove(context: Context, user_id: str, proof: Proof) -> None:
    if proof.code is None:
        confirm_person(context, user_id, proof.password, address=proof.address)
        return
    with context.transactions.begin() as tx:
        keys = attempts.keys_of(SIGN_IN, account=service.get_user(tx, user_id).email, address=proof.address)
        attempts.take(tx, SIGN_IN, keys)
    with context.transactions.begin() as tx:
        if not accepts(tx, context.vault, user_id, proof.code):
            raise Denied("wrong_code", "That code is wrong, too old, or was used already.", hint="Wait for the next one.")
        attempts.give_back(tx, keys)


def _tell(context: Context, tx: Tx, user_id: str, event: type[SecondFactorEnabled | SecondFactorDisabled], *, on: bool) -> None:
    tx.emit(event(service.home_organization(tx, user_id), user_id))
    queue_mail(tx, context.vault, letters.second_factor_changed(context.settings, service.get_user(tx, user_id).email, on=on))


def _off() -> Conflict:
    return Conflict("second_factor_off", "You have no second factor.", hint="Begin with POST /v1/me/two-factor.")


def _bound(user_id: str) -> str:
    return f"second_factors {user_id}"


def _step_of(secret: str, typed: str) -> int | None:
    import pyotp  # noqa: PLC0415 -- only people with a second factor need it

    present = int(time.time()) // _STEP
    codes = pyotp.TOTP(secret)
    for offset in _WINDOW:
        if secrets.compare_digest(codes.generate_otp(present + offset), typed):
            return present + offset
    return None
