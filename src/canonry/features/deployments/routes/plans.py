"""HTTP for plans: what a deploy would do, without doing any of it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from canonry.core.access import Permission
from canonry.core.errors import Invalid, Issue
from canonry.core.paths import Home
from canonry.features import git
from canonry.features.deployments import uploads
from canonry.features.deployments.schemas import PlanAnswer, PlanRequest
from canonry.http.bodies import Bodies
from canonry.http.deps import Services, ServicesDep
from canonry.http.routing import Routes
from canonry.infra.files import remove_tree
from canonry.ports.builder import PlanSettings
from canonry.ports.plans import plan_to_json

router = Routes(tags=["Deployments"], bodies=Bodies.ARCHIVE)

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": PlanRequest.model_json_schema()},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
            },
        },
    }
}


@router.operation("POST", "/deploy/plan", Permission.PROJECTS_DEPLOY, openapi_extra=_BODY)
async def plan_source(request: Request, services: ServicesDep) -> PlanAnswer:
    """Say what a deploy of an archive or of a repository would do. No project, deployment or file is left behind."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid(
                    "file_missing", "The form has no file.", issues=[Issue("body.file", "a .zip or .tar.gz is needed", "missing")]
                )
            return await run_in_threadpool(_plan_archive, services, file)
    try:
        wanted = PlanRequest.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False)]
        ) from error
    return await run_in_threadpool(_plan_repository, services, wanted)


def _plan_archive(services: Services, file: UploadFile) -> PlanAnswer:
    with _work(services) as work:
        with uploads.received(work, file.file, limit_mb=services.settings.upload_limit) as upload:
            upload.keep()
        uploads.open_archive(work, upload.archive, work.root / "source", limit_mb=services.settings.upload_limit)
        return _plan(services, work.root / "source")


def _plan_repository(services: Services, wanted: PlanRequest) -> PlanAnswer:
    targets = git.targets_of(services.settings)
    with _work(services) as work:
        repository, commit = git.fetch_mirror(work, wanted.repo_url, wanted.ref, _unheard, targets=targets)
        git.checkout(repository, commit.sha, work.root / "source", _unheard, home=work, url=wanted.repo_url, targets=targets)  # fmt: skip
        return _plan(services, work.root / "source")


def _plan(services: Services, tree: Path) -> PlanAnswer:
    return PlanAnswer(plan=plan_to_json(services.ports.builder.plan(tree, PlanSettings())))


def _unheard(_line: str) -> None:
    """Take a line of a log that nobody reads."""


@contextmanager
def _work(services: Services) -> Iterator[Home]:
    """Give a home of its own, for this one question, and take it away afterwards."""
    work = Home(services.home.builds / f"plan-{secrets.token_hex(8)}")
    for folder in (work.uploads, work.mirrors, work.root / "source"):
        folder.mkdir(parents=True)
    try:
        yield work
    finally:
        remove_tree(work.root)
