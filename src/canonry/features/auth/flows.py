"""A sign-in that leads over another site and back: what has to be known again at its end, sealed into a cookie of ten minutes."""

import json
import time
from dataclasses import asdict, dataclass

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.features.auth.rules import new_secret
from canonry.infra.crypto import Vault
from canonry.ports.sign_in_provider import Attempt

LIFE = 600
_SHOWN = 8  # letters of the state in the cookie's name, so that two tabs do not take each other's


@dataclass(frozen=True)
class Flow:
    """One way over another site. next_place: where to go at the end; organization: where to act; user_id: who began it."""

    state: str
    nonce: str
    verifier: str
    next_place: str = ""
    organization: str = ""
    user_id: str = ""

    @property
    def attempt(self) -> Attempt:
        """What the provider is told."""
        return Attempt(self.state, self.nonce, Secret(self.verifier))


def begin(*, next_place: str = "", organization: str = "", user_id: str = "") -> Flow:
    """Return a new one, with fresh secrets."""
    return Flow(new_secret(), new_secret(), new_secret(), next_place, organization, user_id)


def cookie_name(state: str) -> str:
    """Return the name of the cookie that belongs to a state."""
    shown = "".join(letter for letter in state[:_SHOWN] if letter.isascii() and (letter.isalnum() or letter in "-_"))
    return f"canonry_flow_{shown}"


def seal(vault: Vault, kind: str, flow: Flow) -> str:
    """Return the value of the cookie. kind: `oidc` or `github`; one of another kind is not taken."""
    text = json.dumps({**asdict(flow), "until": int(time.time()) + LIFE})
    return vault.seal(text, bound=f"flow {kind}").hex()


def unseal(vault: Vault, kind: str, value: str, state: str) -> Flow | None:
    """Return what the cookie holds, None when it is not ours, too old, or belongs to another state."""
    try:
        fields = json.loads(vault.open(bytes.fromhex(value), bound=f"flow {kind}").reveal())
    except (ValueError, Unavailable):
        return None
    until = fields.pop("until")
    return Flow(**fields) if state and fields["state"] == state and until > time.time() else None
