"""Device sign-ins whose authority is the identity provider: we pass its codes on, and its word becomes a session of ours."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from canonry.core.clock import now
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth.device import service, store
from canonry.features.auth.device.models import Codes, DeviceSignIn, Status, Told
from canonry.features.auth.device.rules import SLOWER
from canonry.features.auth.rules import digest, new_secret
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions
from canonry.ports.sign_in_provider import Person, SignInProvider


def begin(transactions: Transactions, vault: Vault, provider: SignInProvider, *, organization: str, client: str) -> Codes | None:
    """Begin a device sign-in at the provider; None when it offers none.

    Raises: Invalid `invalid_organization`; Unavailable `provider_unavailable`.
    """
    row = service.new_row(organization, client, now())
    started = provider.start_device()
    if started is None:
        return None
    sealed = vault.seal(started.device_code.reveal(), bound=_bound(row))
    row = replace(
        row, pause=started.interval, expires_at=row.created_at + timedelta(seconds=started.expires_in), sealed_provider_code=sealed
    )
    device_code = new_secret()
    with transactions.begin() as tx:
        store.forget_old(tx, row.created_at)
        store.insert(tx, row, digest(device_code), None)
    return Codes(
        Secret(device_code), started.user_code, started.verification_uri, started.verification_uri_complete, started.interval,
        started.expires_in,
    )  # fmt: skip


def ask(
    transactions: Transactions, vault: Vault, provider: SignInProvider | None, device_code: Secret, *, domains: Sequence[str] = ()
) -> Told:  # fmt: skip
    """Answer a command line how far its sign-in is, whoever the authority is. domains: of addresses that are let in; none for all.

    Raises: Unavailable `provider_unavailable`; as `accounts.find_or_create_from_identity`.
    """
    with transactions.begin() as tx:
        told = service.ask(tx, device_code)
    row = told.at_provider
    if row is None or row.sealed_provider_code is None:
        return told
    if provider is None:
        return Told("error", detail="The identity provider of this sign-in is not configured any more.")
    state = provider.poll_device(vault.open(row.sealed_provider_code, bound=_bound(row)))
    if state.status == "approved" and state.person is not None:
        return _arrive(transactions, device_code, state.person, domains)
    with transactions.begin() as tx:
        if state.status == "denied":
            store.settle(tx, row.id, Status.DENIED)
        elif state.status == "slow_down":
            store.note_question(tx, row.id, now(), row.pause + SLOWER)
            return Told("pending", slow_down=True)
    return Told(state.status, detail=state.detail if state.status == "error" else "")


def _arrive(transactions: Transactions, device_code: Secret, person: Person, domains: Sequence[str]) -> Told:
    with transactions.begin() as tx:
        row = store.hold(tx, digest(device_code.reveal()))
        if row is None or row.status != Status.PENDING:
            return Told("error", detail="This device code has been used.")
        user = accounts.find_or_create_from_identity(
            tx, issuer=person.issuer, subject=person.subject, email=person.email, email_verified=person.email_verified, name=person.name,
            domains=domains,
        )  # fmt: skip
        memberships = accounts.memberships(tx, user.id)
        wanted = [item for item in memberships if item.handle == row.organization.lower()] or memberships
        organization_id = wanted[0].organization_id if wanted else None
        store.settle(tx, row.id, Status.TAKEN, user.id, organization_id)
        return service.take(tx, replace(row, user_id=user.id, organization_id=organization_id))


def _bound(row: DeviceSignIn) -> str:
    return f"device_codes {row.id}"
