"""More people in an organization of the tests."""

from collections.abc import Mapping

from canonry.core.access import Role, Scope
from canonry.features import accounts, tokens
from tests.support.api import Api, Somebody


def member(api: Api, role: Role, name: str, organization: Somebody | None = None) -> Somebody:
    """Make a person who is a member of an organization (the owner's without one), with a token of each scope in it."""
    where = organization or api.owner
    with api.container.transactions.begin() as tx:
        user_id, _ = accounts.create_owner(tx, email=f"{name}@example.com", name=name, handle=f"{name}-own", organization_name=name)
        tx.connection.execute(
            "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, %s)", (where.organization_id, user_id, role)
        )
        made: Mapping[Scope, str] = {
            scope: tokens.create_token(tx, organization_id=where.organization_id, user_id=user_id, name=scope, scope=scope).reveal()
            for scope in Scope
        }
    return Somebody(user_id, where.organization_id, where.handle, made)
