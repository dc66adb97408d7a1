"""The tree of the addresses finds what trying one route after the other finds."""

import re
import string

import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st

from canonry.http.dispatch import Dispatch
from canonry.http.routing import Routes
from canonry.wiring.routes import API, ROOT


async def nothing_there(*_: object) -> None:
    """What answers otherwise; nobody asks it here."""


def nothing() -> dict[str, str]:
    return {}


def everything() -> list[RouteContext]:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for router in API:
        app.include_router(router, prefix="/v1")
    for router in ROOT:
        app.include_router(router)
    return list(iter_route_contexts(app.routes))


ROUTES = everything()
DISPATCH = Dispatch(ROUTES, nothing_there)
PATHS = sorted({str(route.path_format) for route in ROUTES})
WORDS = sorted({word for path in PATHS for word in path.split("/") if "{" not in word})
PART = st.sampled_from(WORDS) | st.text(string.ascii_lowercase + "-_.{}%@ \n", max_size=6)


def first_that_fits(method: str, path: str) -> RouteContext | None:
    return next((route for route in ROUTES if method in (route.methods or ()) and route.path_regex.match(path)), None)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Draw an address: of a route, with anything for its parameters, or of no route at all."""
    form = draw(st.sampled_from(PATHS) | st.lists(PART, max_size=6).map(lambda parts: "/" + "/".join(parts)))
    return re.sub(r"{\w+}", lambda _: draw(PART | st.tuples(PART, PART).map("/".join)), form)


@given(path=addresses(), method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
def test_it_finds_the_first_route_that_fits_whatever_the_address(path: str, method: str) -> None:
    expected, found = first_that_fits(method, path), DISPATCH.find(method, path)
    if found is None:
        assert expected is None or path.endswith("\n")  # those are left to the framework, which takes the line end for the path's
        return
    place, values = found
    assert expected is not None
    assert place.route is expected.original_route
    assert values == expected.path_regex.match(path).groupdict()


@pytest.mark.parametrize("path", PATHS)
def test_every_route_is_found_at_its_own_address(path: str) -> None:
    for method in {method for route in ROUTES if route.path_format == path for method in route.methods or ()}:
        found = DISPATCH.find(method, path)
        assert found is not None
        assert found[0].route is first_that_fits(method, path).original_route  # type: ignore[union-attr]


def test_what_stands_first_answers_where_two_fit() -> None:
    router = Routes()
    router.operation("GET", "/specs/{file:path}/history", "public")(nothing)
    router.operation("GET", "/specs/{file:path}", "public")(nothing)
    router.operation("GET", "/specs/index", "public")(nothing)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    dispatch = Dispatch(iter_route_contexts(app.routes), nothing_there)
    found = {path: dispatch.find("GET", path) for path in ("/specs/a/b/history", "/specs/a/b", "/specs/index", "/specs")}
    told = {path: (answer[0].path, answer[1]) if answer else None for path, answer in found.items()}
    assert told == {
        "/specs/a/b/history": ("/specs/{file}/history", {"file": "a/b"}), "/specs/a/b": ("/specs/{file}", {"file": "a/b"}),
        "/specs/index": ("/specs/{file}", {"file": "index"}), "/specs": None,
    }  # fmt: skip
