"""How to call each operation about webhooks and notifications, so that it succeeds (see tests/support/mutations.py)."""

from collections.abc import Callable

from tests.support.api import Api
from tests.support.mutation import Call

_URL = "https://example.com/hook/of-the-webhook-secret"


def _made(api: Api) -> tuple[str, str]:
    answer = api.ask("POST", "/v1/webhooks", {"url": _URL})
    return answer.json["webhook"]["id"], answer.json["secret"]


def _on_webhook(body: object = None) -> Callable[[Api], Call]:
    def prepare(api: Api) -> Call:
        webhook_id, secret = _made(api)
        return Call({"webhook": webhook_id}, body, secrets=(secret, "of-the-webhook-secret"))

    return prepare


def _replay(api: Api) -> Call:
    webhook_id, secret = _made(api)
    delivery = api.ask("POST", f"/v1/webhooks/{webhook_id}/ping").json["delivery"]["id"]
    return Call({"webhook": webhook_id, "delivery": delivery}, secrets=(secret, "of-the-webhook-secret"))


ROWS: dict[str, Callable[[Api], Call]] = {
    "PATCH /me/notifications": lambda _api: Call(body={"recovered": True, "failed_preview": "all"}),
    "POST /webhooks": lambda _api: Call(body={"url": _URL}, secrets=("of-the-webhook-secret",)),
    "PATCH /webhooks/{webhook}": _on_webhook({"url": _URL + "2", "events": ["*"]}),
    "DELETE /webhooks/{webhook}": _on_webhook(),
    "POST /webhooks/{webhook}/ping": _on_webhook(),
    "POST /webhooks/{webhook}/deliveries/{delivery}/replay": _replay,
}
