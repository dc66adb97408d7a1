"""The quick starts of the two platform APIs, by the generated client: python quick_starts.py URL TOKEN FOLDER (of a small app)."""

import io
import sys
import tarfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

from canonry_client import AuthenticatedClient  # type: ignore[import-not-found]
from canonry_client.api.deployments import deploy_project, get_deployment, read_logs  # type: ignore[import-not-found]
from canonry_client.api.projects import (  # type: ignore[import-not-found]
    create_project,
    get_project_by_name,
    list_instances,
    list_projects,
    scale_project,
)
from canonry_client.api.uploads import upload_archive  # type: ignore[import-not-found]
from canonry_client.models import BodyUploadArchive, CreateProject, DeployRequest, ScaleRequest  # type: ignore[import-not-found]
from canonry_client.types import File  # type: ignore[import-not-found]


def main() -> None:
    """Run both."""
    url, token, folder = sys.argv[1:]
    with AuthenticatedClient(base_url=url, token=token) as client:
        of_canner(client)
        of_cantila(client, Path(folder))
    print("both quick starts ran")  # noqa: T201


def of_canner(client: Any) -> None:  # noqa: ANN401 -- the generated client has types of its own
    """List the projects, trigger a deployment."""
    listed = list_projects.sync(client=client)
    assert "my-site" in [project.slug for project in listed.projects]
    queued = right(deploy_project.sync_detailed("my-site", client=client, idempotency_key="the-first"), HTTPStatus.ACCEPTED)
    again = right(deploy_project.sync_detailed("my-site", client=client, idempotency_key="the-first"), HTTPStatus.ACCEPTED)
    assert queued.deploy_id == again.deploy_id
    wait_for(client, queued.deploy_id)


def of_cantila(client: Any, folder: Path) -> None:  # noqa: ANN401 -- likewise
    """Create a project, look it up by handle, deploy it, read its logs, scale it, list its instances."""
    project = right(create_project.sync_detailed(client=client, body=CreateProject(name="marketing-site")), HTTPStatus.CREATED)
    assert project.id.startswith("prj_")
    found = get_project_by_name.sync(project.handle, "marketing-site", client=client)
    assert found.id == project.id
    refused = deploy_project.sync_detailed(project.id, client=client, body=DeployRequest(ref="main"))
    assert (refused.status_code, refused.parsed.error) == (HTTPStatus.CONFLICT, "no_source")
    packed = BodyUploadArchive(file=File(payload=io.BytesIO(pack(folder)), file_name="app.tar.gz"))
    uploaded = right(upload_archive.sync_detailed(project.id, client=client, body=packed), HTTPStatus.ACCEPTED)
    wait_for(client, uploaded.deployment.id)
    queued = right(deploy_project.sync_detailed(project.id, client=client, body=DeployRequest()), HTTPStatus.ACCEPTED)
    assert queued.status == "queued"
    wait_for(client, queued.deploy_id)
    lines = read_logs.sync(project.id, client=client, since="10m", limit=100).lines
    assert any("listening" in line.text for line in lines)
    scaled = right(scale_project.sync_detailed(project.id, client=client, body=ScaleRequest(instances=2)), HTTPStatus.OK)
    assert scaled.instances == 2
    deadline = time.monotonic() + 40
    while len([one for one in list_instances.sync(project.id, client=client).instances if one.status == "healthy"]) != 2:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def right(response: Any, status: HTTPStatus) -> Any:  # noqa: ANN401 -- likewise
    """Return what an answer holds that has to be of this status."""
    assert response.status_code == status, response.content
    return response.parsed


def wait_for(client: Any, deployment_id: str) -> None:  # noqa: ANN401 -- likewise
    """Wait until a deployment is live."""
    deadline = time.monotonic() + 60
    while (status := get_deployment.sync(deployment_id, client=client).deployment.status) not in {"live", "superseded"}:
        assert status != "failed"
        assert time.monotonic() < deadline
        time.sleep(0.3)


def pack(folder: Path) -> bytes:
    """Return a .tar.gz of a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(folder, arcname=".")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
