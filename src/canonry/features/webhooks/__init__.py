"""Outgoing webhooks: what happens here is told to addresses that an organization names, signed, and again until it arrives.

The events table is the outbox: `publish.py` turns events behind each webhook's position into deliveries, `sender.py` makes the requests.
So nothing here is in the way of the transaction that causes an event, and nothing is lost by a `kill -9`; it may arrive twice.
"""

from canonry.features.webhooks.sender import Sender

__all__ = ["Sender"]
