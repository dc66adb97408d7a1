"""HTTP for who I am."""

from pydantic import BaseModel

from canonry.core.access import Permission
from canonry.features.accounts import service
from canonry.http.deps import ActorDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Account"])


class UserBody(BaseModel):
    """A person."""

    id: str
    email: str
    name: str


class AccountBody(BaseModel):
    """The organization a credential acts in."""

    id: str
    handle: str


class MeAnswer(BaseModel):
    """Who is calling."""

    authenticated: bool
    user: UserBody
    account: AccountBody
    permissions: list[str]


@router.operation("GET", "/me", Permission.PROJECTS_READ)
def get_me(actor: ActorDep, tx: TxDep) -> MeAnswer:
    """Say whom this credential speaks for."""
    user = service.get_user(tx, actor.user_id)
    return MeAnswer(
        authenticated=True, user=UserBody(id=user.id, email=user.email, name=user.name),
        account=AccountBody(id=actor.organization_id, handle=actor.organization_handle), permissions=sorted(map(str, actor.permissions)),
    )  # fmt: skip
