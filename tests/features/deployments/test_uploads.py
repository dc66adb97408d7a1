"""Uploaded archives that somebody removes while somebody else asks for a deployment of the same."""

import threading
from typing import Any

import pytest

from canonry.features.deployments import lifecycle, store
from tests.support.api import FORM, SITE, Api, archive, form
from tests.support.between import beside, once_before

_SAME = form(archive(SITE))


def upload(api: Api, slug: str) -> str:
    answer = api.ask("POST", f"/v1/projects/{slug}/upload", raw=_SAME, headers=FORM)
    assert answer.status == 202, answer.body
    return str(answer.json["deployment"]["id"])


def deleted(api: Api) -> dict[str, Any]:
    """Upload, deploy, and delete the project; return what the job gets that takes away what it left."""
    slug = api.project()
    upload(api, slug)
    api.work(slug)
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    with api.container.transactions.begin() as tx:
        query = "DELETE FROM procrastinate_jobs WHERE task_name = 'deployments.clear' RETURNING args"
        ((arguments,),) = tx.connection.execute(query).fetchall()
    return dict(arguments)


def test_what_another_project_was_given_too_does_not_go_with_a_deleted_one(api: Api) -> None:
    other, left = api.project(), deleted(api)
    deployment = upload(api, other)
    lifecycle.clear(api.container, **left)
    api.work(other)
    assert api.deployment(deployment)["status"] == "live"


def test_nor_when_that_is_asked_for_at_the_same_moment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    other, left = api.project(), deleted(api)
    clearing: list[threading.Thread] = []

    def clear() -> None:
        clearing.append(beside(api.container.transactions, lambda: lifecycle.clear(api.container, **left)))

    once_before(monkeypatch, store, "insert", clear)
    deployment = upload(api, other)
    clearing[0].join()
    api.work(other)
    assert api.deployment(deployment)["status"] == "live"


def test_what_nobody_else_has_goes(api: Api) -> None:
    left = deleted(api)
    assert list(api.container.home.uploads.iterdir()) != []
    lifecycle.clear(api.container, **left)
    assert list(api.container.home.uploads.iterdir()) == []
