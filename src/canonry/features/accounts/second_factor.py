"""The second factor of people with a password: codes of an authenticator app (TOTP), and recovery codes for the day the app is gone."""

import base64
import hashlib
import re
import secrets
import time

from canonry.features.accounts.store import second_factors as store
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx

_STEP = 30
_WINDOW = (0, -1, 1)  # steps around the present one whose code is taken: clocks differ
_CODES = 10


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
