"""Shapes of requests and answers about people."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Email = Annotated[str, StringConstraints(min_length=3, max_length=254), Field(examples=["ada@example.com"])]
NewPassword = Annotated[str, StringConstraints(max_length=1000), Field(description="10 to 200 characters")]
Password = Annotated[str, StringConstraints(max_length=1000)]
PersonName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
HandleText = Annotated[str, StringConstraints(max_length=100), Field(description="3 to 40 lower-case letters, digits and inner hyphens")]
LinkSecret = Annotated[str, StringConstraints(min_length=1, max_length=200), Field(description="the part of a mailed link behind `token=`")]


class Body(BaseModel):
    """Base of requests: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Register(Body):
    """Body of POST /v1/auth/register."""

    email: Email
    password: NewPassword
    name: PersonName | None = None
    handle: HandleText | None = Field(None, description="of the organization that is made with it; from the address when absent")


class AddressOnly(Body):
    """An account, named by its address."""

    email: Email


class LinkOnly(Body):
    """What came by mail."""

    token: LinkSecret


class NewPasswordByLink(Body):
    """Body of POST /v1/auth/password-reset/confirm."""

    token: LinkSecret
    password: NewPassword


class Accepted(BaseModel):
    """The same for everybody: whether there is such an account is not told."""

    status: Literal["mail_sent"] = "mail_sent"
    message: str


class VerifiedAnswer(BaseModel):
    """A verified address."""

    verified: Literal[True] = True
    email: str


class PasswordSet(BaseModel):
    """A new password is in force."""

    status: Literal["password_changed"] = "password_changed"
