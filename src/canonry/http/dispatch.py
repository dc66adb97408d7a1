"""Which route answers an address: looked up in a tree of its parts, where the framework tries one route after the other.

There are hundreds, and trying them took longer than answering. What the tree does not find (nothing is there, not with this method, a
slash too many) is left to the framework, which knows what to say then.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from fastapi.routing import APIRoute, RouteContext
from starlette.convertors import Convertor, PathConvertor
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class Place:
    """A route in the order of all: the first that fits answers."""

    order: int
    route: APIRoute
    path: str
    pattern: re.Pattern[str]
    convertors: Mapping[str, Convertor[Any]]
    methods: frozenset[str]
    answer: ASGIApp


class Dispatch:
    """Answers by the route that fits, as the framework would. otherwise: what answers where none does."""

    def __init__(self, routes: Iterable[RouteContext], otherwise: ASGIApp) -> None:
        self._top = _Node()
        self._otherwise = otherwise
        for order, found in enumerate(routes):
            route = found.original_route
            if isinstance(route, APIRoute):  # whatever else there is (the description of the API) is asked seldom
                methods, path = frozenset(found.methods or ()), found.path_format or ""
                self._top.add(Place(order, route, path, found.path_regex, found.param_convertors, methods, found.app))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = self.find(scope["method"], scope["path"]) if scope["type"] == "http" and not scope.get("root_path") else None
        if found is None:
            await self._otherwise(scope, receive, send)
            return
        place, scope["path_params"] = found
        scope["route"], scope["endpoint"] = place.route, place.route.endpoint
        await place.answer(scope, receive, send)

    def find(self, method: str, path: str) -> tuple[Place, dict[str, Any]] | None:
        """Return the first route that answers this method at this path, and what the path says for its parameters; None when none does."""
        for place in sorted(self._top.fitting(_parts(path)), key=attrgetter("order")):
            if method in place.methods and (match := place.pattern.match(path)):
                return place, {name: place.convertors[name].convert(text) for name, text in match.groupdict().items()}
        return None


@dataclass
class _Node:
    """What follows on one beginning of a path. below: routes that take whatever follows."""

    words: dict[str, "_Node"] = field(default_factory=dict)
    other: "_Node | None" = None
    here: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)

    def add(self, place: Place) -> None:
        """Add a route."""
        node = self
        for part in _parts(place.path):
            names = _NAME.findall(part)
            if any(isinstance(place.convertors[name], PathConvertor) for name in names):
                node.below.append(place)
                return
            if names:
                node.other = node = node.other or _Node()
            else:
                node = node.words.setdefault(part, _Node())
        node.here.append(place)

    def fitting(self, parts: list[str]) -> Iterator[Place]:
        """Give every route that a path may belong to; its pattern says whether it does."""
        nodes = [self]
        for part in parts:
            following = []
            for node in nodes:
                yield from node.below
                if (word := node.words.get(part)) is not None:
                    following.append(word)
                if node.other is not None:
                    following.append(node.other)
            nodes = following
        for node in nodes:
            yield from node.here


_NAME = re.compile(r"{(\w+)}")


def _parts(path: str) -> list[str]:
    return path.split("/")[1:]
