"""Shapes of requests and answers about repositories that live at a host."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from canonry.core.secret import Secret
from canonry.features.git.repositories.schemas import RepositoryBody


class AddRepositoryRequest(BaseModel):
    """Body of POST /v1/repositories/github."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"repository": "acme/handbook"}]})
    repository: Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00]*$")] = Field(
        description="owner/name, or its address"
    )
    token: Annotated[SecretStr, Field(min_length=1, max_length=1000)] | None = Field(
        None, description="reads and writes it; sealed, never shown. Without one the GitHub App of this Canonry acts."
    )

    def secret(self) -> Secret | None:
        """Return the token."""
        return Secret(self.token.get_secret_value().strip()) if self.token is not None else None


class AddedAnswer(BaseModel):
    """The repository, whose files are fetched and indexed in the background. webhook_problem: null when GitHub tells us of pushes."""

    repository: RepositoryBody
    webhook_problem: str | None
