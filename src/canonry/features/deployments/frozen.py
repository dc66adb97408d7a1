"""The variables of a release: sealed when it is frozen, opened for the one start that needs them.

A release never changes, so an instance that is started again or added by a scale has what its release had, and a rollback brings back
the values of its time. What the project's database delivers is no part of it: that is asked at each start, so that whatever starts can
connect. It only counts in the digest that says whether running instances may stay.
"""

import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from canonry.core.masking import Mask
from canonry.features import databases
from canonry.features.deployments import store
from canonry.features.deployments.context import Context
from canonry.features.deployments.models import Release
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx


@dataclass(frozen=True)
class Frozen:
    """run: name → value for what runs. secrets: values to keep out of logs, those of builds included. Never printed."""

    run: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def seal(vault: Vault, release_id: str, frozen: Frozen) -> bytes:
    """Return what the database keeps of them."""
    return vault.seal(json.dumps([dict(frozen.run), list(frozen.secrets)]), bound=f"releases {release_id}")


def frozen_of(tx: Tx, vault: Vault, release: Release) -> Frozen:
    """Return the variables of a release; one of before they were sealed has them in the open. Raises: Unavailable `secret_unreadable`."""
    sealed = store.sealed_variables(tx, [release.id])
    return _opened(vault, release.id, sealed[release.id]) if release.id in sealed else Frozen(release.variables)


def digest_of(vault: Vault, variables: Mapping[str, str]) -> str:
    """Return a digest that tells whether two releases give their instances the same variables, and nothing else about them."""
    text = json.dumps(sorted(variables.items()))
    return hmac.digest(vault.key_for("digests of releases"), text.encode(errors="surrogateescape"), "sha256").hex()


def is_same(vault: Vault, old: Release, new: Release) -> bool:
    """Say whether the variables of two releases are the same."""
    digests = [release.variables_digest or digest_of(vault, release.variables) for release in (old, new)]
    return digests[0] == digests[1]


def masks(context: Context, release_ids: Collection[str]) -> dict[str, Mask]:
    """Return, for each of these releases, what takes its secrets out of what its instances write."""
    with context.transactions.begin() as tx:
        sealed = store.sealed_variables(tx, release_ids)
        places = store.places(tx, release_ids)
        passwords = {place: databases.secrets_of(tx, context.vault, *place) for place in set(places.values())}
    made: dict[tuple[str, ...], Mask] = {(): Mask()}
    found = dict.fromkeys(release_ids, made[()])
    for release_id, place in places.items():
        own = _opened(context.vault, release_id, sealed[release_id]).secrets if release_id in sealed else ()
        secrets = tuple(dict.fromkeys((*own, *passwords[place])))
        found[release_id] = made[secrets] = made.get(secrets) or Mask(secrets)
    return found


def _opened(vault: Vault, release_id: str, sealed: bytes) -> Frozen:
    run, secrets = json.loads(vault.open(sealed, bound=f"releases {release_id}").reveal())
    return Frozen(run, tuple(secrets))
