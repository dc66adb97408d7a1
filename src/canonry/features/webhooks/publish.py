"""From events to deliveries: what happened behind each webhook's position, and which of it the webhook asked for."""

from itertools import groupby

from canonry.core.ids import new_id
from canonry.features.webhooks import store
from canonry.features.webhooks.rules import body_of, is_wanted
from canonry.infra.tx import Tx


def publish(tx: Tx) -> int:
    """Make a delivery for each event that a webhook asked for, move the positions on, and return how many events were looked at."""
    rows = store.news(tx)
    for webhook_id, group in groupby(rows, key=lambda row: row.webhook_id):
        for news in group:
            if is_wanted(news):
                store.insert_delivery(
                    tx, delivery_id=new_id("dlv"), webhook_id=webhook_id, event=news.name, body=body_of(news), event_id=news.event_id
                )
            store.advance(tx, webhook_id, news.event_id)
    return len(rows)
