"""How often something may be tried: counted in the database, exact while many try at once."""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from canonry.core.clock import now
from canonry.core.errors import Limited
from canonry.features.accounts.store import attempts as store
from canonry.infra.tx import Tx


@dataclass(frozen=True)
class Allowance:
    """At most `most` tries in `seconds`, counted from the first one."""

    name: str
    most: int
    seconds: int


SIGN_IN = Allowance("sign-in", 10, 15 * 60)


def keys_of(allowance: Allowance, *, account: str = "", address: str = "") -> list[str]:
    """Return what to count under: an account and the network of an address, as far as they are known.

    An account is what somebody typed, perhaps a password in the wrong field: only its hash is kept.
    """
    found = [f"{allowance.name} account {hashlib.sha256(account.encode()).hexdigest()}"] if account else []
    return found + ([f"{allowance.name} address {_network_of(address)}"] if address else [])


def take(tx: Tx, allowance: Allowance, keys: Sequence[str]) -> None:
    """Count one try under each key. Raises: Limited `too_many_attempts`; roll back then, so that it ends when it says."""
    store.forget_old(tx)
    for count, began_at in store.count(tx, sorted(keys), allowance.seconds):
        if count > allowance.most:
            left = allowance.seconds - int((now() - began_at).total_seconds())
            raise Limited("too_many_attempts", "Too many attempts.", hint=f"Try again in {max(1, -(-left // 60))} minutes.",
                          retry_after=max(1, left))  # fmt: skip


def give_back(tx: Tx, keys: Sequence[str]) -> None:
    """Take one try back: it was none."""
    store.give_back(tx, sorted(keys))


def forget(tx: Tx, keys: Sequence[str]) -> None:
    """Forget all tries under these keys."""
    store.forget(tx, sorted(keys))


def _network_of(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:  # all of IPv4 lies in one /64
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
