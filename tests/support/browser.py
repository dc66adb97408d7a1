"""A browser as far as signing in needs one: it keeps cookies, sends what browsers send, and posts the forms of a page."""

import http.client
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

_FORM = re.compile(r"<form(?P<head>[^>]*)>(?P<body>.*?)</form>", re.DOTALL)
_INPUT = re.compile(r"<(?:input|button)(?P<head>[^>]*)>")
_WORDS = ("path", "max-age", "samesite", "httponly", "secure", "domain")
_ATTRIBUTE = re.compile(r"""([a-z-]+)=(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")


@dataclass(frozen=True)
class Form:
    """One form of a page: where it goes, and what its fields hold."""

    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What a browser got. headers: names in lower case; cookies: what the answer set, with its attributes in lower case."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: Mapping[str, Mapping[str, str]]

    @property
    def forms(self) -> list[Form]:
        """The forms of the page."""
        return [
            Form(_attributes(found["head"]).get("action", ""), _fields(found["body"])) for found in _FORM.finditer(self.text)
        ]  # fmt: skip

    def form(self, action: str) -> Form:
        """The form that goes to that path (or below it)."""
        found = [form for form in self.forms if form.action.startswith(action)]
        assert found, f"no form goes to {action}: {[form.action for form in self.forms]}"
        return found[0]


@dataclass
class Browser:
    """Cookies of one origin. connect: gives an open connection to it; host: what it is called there."""

    connect: Callable[[], AbstractContextManager[http.client.HTTPConnection]]
    host: str = "localhost"
    cookies: dict[str, tuple[str, str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Seen:  # fmt: skip
        """Make one request with our cookies, as a browser does that shows a page of this very site; take the cookies of the answer."""
        sent = {
            "Host": self.host, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Site": "same-origin",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Test/1.0", **self.headers,
        }  # fmt: skip
        jar = "; ".join(f"{name}={value}" for name, (value, place) in self.cookies.items() if _below(path, place))
        if jar:
            sent["Cookie"] = jar
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        with self.connect() as connection:
            connection.request(method, path, body=body, headers={**sent, **(headers or {})})
            response = connection.getresponse()
            seen = _seen(response)
        for name, attributes in seen.cookies.items():
            if attributes["value"] == "" or attributes.get("max-age") == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = (attributes["value"], attributes.get("path", "/"))
        return seen

    def get(self, path: str, **options: Any) -> Seen:  # noqa: ANN401 -- as `ask`
        """Open a page."""
        return self.ask("GET", path, **options)

    def follow(self, path: str) -> tuple[str, Seen]:
        """Open a page and go wherever on this site it sends us; return the last address and what was there."""
        for _ in range(10):
            seen = self.get(path)
            place = seen.headers.get("location", "")
            if not 300 <= seen.status < 400 or (urlsplit(place).netloc not in {"", self.host}):
                return path, seen
            parts = urlsplit(place)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
        raise AssertionError(f"led in a circle: {path}")

    def submit(self, form: Form, **fields: str) -> Seen:
        """Send a form with some of its fields filled in."""
        return self.ask("POST", form.action, form={**form.fields, **fields})


def _below(path: str, place: str) -> bool:
    bare = path.partition("?")[0]
    return place in {"/", bare} or bare.startswith(f"{place}/")


def _attributes(head: str) -> dict[str, str]:
    return {name: unescape(double or single or bare) for name, double, single, bare in _ATTRIBUTE.findall(head)}


def _fields(body: str) -> dict[str, str]:
    found = (_attributes(match["head"]) for match in _INPUT.finditer(body))
    return {item["name"]: item.get("value", "") for item in found if "name" in item and item.get("type") != "submit"}


def _seen(response: http.client.HTTPResponse) -> Seen:
    cookies: dict[str, Mapping[str, str]] = {}
    for name, value in response.getheaders():
        if name.lower() == "set-cookie":
            for key, morsel in SimpleCookie(value).items():
                attributes = {
                    word: str(morsel[word]) for word in ("path", "max-age", "samesite", "httponly", "secure", "domain") if morsel[word]
                }
                cookies[key] = {"value": morsel.value, **attributes}
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Seen(response.status, response.read().decode(), headers, cookies)
