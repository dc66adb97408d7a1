"""HTTP for the files that a live deployment serves."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from canonry.core.access import Permission
from canonry.core.environments import PRODUCTION
from canonry.features import projects
from canonry.features.deployments import assets
from canonry.features.deployments.routes.parameters import Environment
from canonry.http.deps import ActorDep, ServicesDep
from canonry.http.paging import LIMIT, SignerDep
from canonry.http.routing import Routes

router = Routes(tags=["Deployments"])


class AssetBody(BaseModel):
    """A file. sha256: null for one of more than 4 MiB."""

    path: str = Field(examples=["/css/site.css"])
    size: int = Field(description="bytes")
    content_type: str = Field(examples=["text/css"])
    sha256: str | None


class AssetsAnswer(BaseModel):
    """Files by path. folder: the app's folder they are in, null for a static site. deployment_id: null when nothing is live."""

    assets: list[AssetBody]
    next_cursor: str | None = None
    deployment_id: str | None = None
    folder: str | None = None


@router.operation("GET", "/projects/{project}/assets", Permission.PROJECTS_READ)
def list_assets(
    project: str, actor: ActorDep, services: ServicesDep, signer: SignerDep, *, environment: Environment = PRODUCTION,
    limit: Annotated[int, Query(ge=1, le=LIMIT)] = 50, cursor: Annotated[str | None, Query(max_length=20_000)] = None,
) -> AssetsAnswer:  # fmt: skip
    """List the files that the live deployment serves, by path: a static site's, or those in an app's public folder."""
    with services.transactions.begin() as tx:
        found = projects.find(tx, actor, project)
    page = assets.page(services, found, environment, limit=limit, cursor=cursor, signer=signer)
    return AssetsAnswer(
        assets=[AssetBody(**asdict(file)) for file in page.files], next_cursor=page.next_cursor, deployment_id=page.deployment_id,
        folder=page.folder,
    )  # fmt: skip
