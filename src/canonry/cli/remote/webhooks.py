"""`canonry webhooks`: addresses that are told what happens."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.options import AsJson, Limit
from canonry.client.credentials import current
from canonry.client.webhooks import Delivery, Webhook, WebhooksApi

WebhookId = Annotated[str, argument("WEBHOOK", help="The id of the webhook (whk_...).")]


def list_webhooks(as_json: AsJson = False) -> None:
    """List the webhooks of the organization, newest first."""
    found = WebhooksApi(current()).list()
    if as_json:
        print_json(list(found))
    elif found:
        print_table(("ID", "STATE", "EVENTS", "URL"), [(item["id"], _state(item), " ".join(item["events"]), item["url"]) for item in found])
    else:
        say("There are no webhooks. Add one with: canonry webhooks add URL")


def add_webhook(
    url: Annotated[str, argument("URL", help="Where messages are posted.")],
    events: Annotated[
        str | None,
        option("--events", metavar="NAMES", help="What is told, with commas: deployment.failed,domain.*. Without it: deployment.*."),
    ] = None,
    project: Annotated[str | None, option("--project", "-p", metavar="SLUG", help="Only events of this project.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a webhook and print its secret, which is shown this once: messages are signed with it."""
    names = [name.strip() for name in events.split(",") if name.strip()] if events is not None else None
    webhook, secret = WebhooksApi(current()).create(url, names, project)
    if as_json:
        print_json({"webhook": webhook, "secret": secret})
        return
    print(secret)
    say(f"Added {webhook['id']}. Keep the secret above; try it with: canonry webhooks ping {webhook['id']}")


def remove_webhook(webhook: WebhookId) -> None:
    """Remove a webhook and the log of its deliveries."""
    WebhooksApi(current()).delete(webhook)
    say(f"Removed {webhook}.")


def switch_on(webhook: WebhookId, as_json: AsJson = False) -> None:
    """Switch a webhook on: it gets what still waited for it, and what happens from now on."""
    _tell(WebhooksApi(current()).switch(webhook, active=True), f"{webhook} is on.", as_json=as_json)


def switch_off(webhook: WebhookId, as_json: AsJson = False) -> None:
    """Switch a webhook off: nothing is sent to it until it is on again."""
    _tell(WebhooksApi(current()).switch(webhook, active=False), f"{webhook} is off.", as_json=as_json)


def ping(webhook: WebhookId, as_json: AsJson = False) -> None:
    """Send a test message."""
    delivery = WebhooksApi(current()).ping(webhook)
    _tell(delivery, f"On its way. How it went: canonry webhooks deliveries {webhook}", as_json=as_json)


def list_deliveries(webhook: WebhookId, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List what was sent to a webhook in the last 30 days, newest first."""
    found = WebhooksApi(current()).deliveries(webhook, limit)
    if as_json:
        print_json(list(found))
    elif found:
        print_table(("ID", "EVENT", "STATUS", "TRIES", "LAST ANSWER", "AGE"), [_row(item) for item in found])
    else:
        say("Nothing was sent to it yet.")


def replay(
    webhook: WebhookId, delivery: Annotated[str, argument("DELIVERY", help="The delivery whose message is sent again (dlv_...).")],
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Send the message of a delivery again."""
    again = WebhooksApi(current()).replay(webhook, delivery)
    _tell(again, f"On its way as {again['id']}. How it went: canonry webhooks deliveries {webhook}", as_json=as_json)


def _state(webhook: Webhook) -> str:
    if not webhook["active"]:
        return "off" if webhook["disabled_reason"] is None else f"off: {webhook['disabled_reason']}"
    since = age(webhook["failing_since"])
    return "on" if since is None else f"failing for {since}"


def _row(delivery: Delivery) -> tuple[object, ...]:
    last = delivery["attempts"][-1] if delivery["attempts"] else None
    answer = None if last is None else last["error"] if last["status"] is None else f"{last['status']} in {last['duration_ms']} ms"
    return (delivery["id"], delivery["event"], delivery["status"], len(delivery["attempts"]), answer, age(delivery["created_at"]))


def _tell(document: Webhook | Delivery, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        say(sentence)
