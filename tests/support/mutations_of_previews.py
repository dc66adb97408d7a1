"""How to call each operation about previews, so that it succeeds (see tests/support/mutations.py)."""

import json
from collections.abc import Callable

from tests.support.api import Api
from tests.support.mutation import Call
from tests.support.webhooks import connected, push, sign

_REPOSITORY = "https://git.example.com/acme/shop.git"


def _created(api: Api) -> Call:
    """A new preview and the deployment to it have an event each."""
    connected(api, api.project("shop"), _REPOSITORY)
    return Call({"project": "shop"}, {"branch": "next"}, events=2)


def _removed(api: Api) -> Call:
    call = _created(api)
    return Call({**call.values, "preview": api.ask("POST", "/v1/projects/shop/previews", call.body).json["preview"]["id"]})


def _approved(api: Api) -> Call:
    """The approval and the deployment that follows from it have an event each."""
    host = connected(api, api.project("shop"), _REPOSITORY)
    host.pull_request("opened", 7, "next", "a" * 40, fork="stranger/shop")
    return Call({"project": "shop", "preview": api.get("/v1/projects/shop/previews")["previews"][0]["id"]}, {}, events=2)


def _pushed(api: Api) -> Call:
    host = connected(api, api.project("shop"), _REPOSITORY)
    body = json.dumps(push("main", "a" * 40, "Change", host.repository)).encode()
    headers = {"X-Hub-Signature-256": sign(host.secret, body), "X-GitHub-Event": "push", "X-GitHub-Delivery": "one"}
    return Call({"project": "shop"}, raw=body, headers=headers, secrets=(host.secret,), token=None, user_id="", credential="git")


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /projects/{project}/previews": _created,
    "DELETE /projects/{project}/previews/{preview}": _removed,
    "POST /projects/{project}/previews/{preview}/approve": _approved,
    "POST /projects/{project}/git/webhook": _pushed,
}
