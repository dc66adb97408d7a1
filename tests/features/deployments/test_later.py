"""What is announced and not built yet: a clear answer, and nothing about it in the description of the API."""

import re

import pytest

from canonry.features.deployments.routes.later import router
from tests.support.api import SITE, Api

ABSENT = [(method, str(getattr(route, "path", ""))) for route in router.routes for method in getattr(route, "methods", ())]


@pytest.mark.parametrize(("method", "path"), ABSENT)
def test_it_says_so_about_an_object_of_ones_own_and_nothing_about_anothers(api: Api, method: str, path: str) -> None:
    slug = api.project()
    filled = path.format(project=slug, deployment=api.deploy(slug, SITE)["id"])
    answer = api.ask(method, f"/v1{filled}", {} if method in {"POST", "PATCH"} else None)
    assert answer.error == (501, "not_available_yet")
    assert answer.json["hint"]
    if "{" in path:
        assert api.ask(method, f"/v1{filled}", token=api.somebody().tokens["admin"]).status == 404
    assert api.ask(method, f"/v1{filled}", token=None).status == 401


def test_it_is_not_described(api: Api) -> None:
    described = set(api.ask("GET", "/openapi.json").json["paths"])
    assert not [path for _method, path in ABSENT if f"/v1{re.sub('}', '}', path)}" in described and path != "/domains"]
