"""Certificates of verified domains: obtained by Canonry itself as soon as a name is proved, before the first visitor asks for it.

A name that may have a certificate and gets none is tried again later and later, by us alone: certificate authorities lock out who tries too
often, so a stranger's visits must never be what makes the edge try.
"""

from datetime import timedelta

from canonry.core.clock import now
from canonry.core.errors import CanonryError
from canonry.features.domains import store
from canonry.features.domains.context import Context
from canonry.features.domains.models import Domain
from canonry.features.domains.rules import minutes_to_next_certificate, minutes_to_next_look_at_certificate


def see_to(context: Context, domain: Domain) -> None:
    """Obtain the certificate of a verified domain, or look at the one there is, and write down how it stands."""
    with context.transactions.begin() as tx:
        if domain.ssl_status != "active":
            store.update(tx, domain.id, {"ssl_status": "issuing"})
    try:
        certificate = context.ports.certificates.obtain(domain.hostname)
    except CanonryError as error:
        failures = domain.ssl_failures + 1
        wait = timedelta(minutes=minutes_to_next_certificate(failures))
        changes: dict[str, object] = {"ssl_status": "failed", "ssl_error": error.message, "ssl_failures": failures,
                                      "ssl_next_try_at": now() + wait}  # fmt: skip
    else:
        left = certificate.expires_at - now()
        wait = timedelta(minutes=minutes_to_next_look_at_certificate(left.total_seconds() / 60))
        changes = {"ssl_status": "active", "ssl_error": "", "ssl_failures": 0, "ssl_expires_at": certificate.expires_at,
                   "ssl_next_try_at": now() + wait}  # fmt: skip
    with context.transactions.begin() as tx:
        store.update(tx, domain.id, changes)
    tidy_one(context, domain.hostname)


def tidy_one(context: Context, hostname: str) -> None:
    """Forbid a name that nobody has proved (any more)."""
    with context.transactions.begin() as tx:
        is_proved = store.verified(tx, hostname) is not None
    if not is_proved:
        context.ports.certificates.forbid(hostname)


def tidy(context: Context) -> None:
    """Forbid what nobody has proved (any more); see to names whose permission was lost, as after a home was made anew."""
    permitted = set(context.ports.certificates.permitted())
    with context.transactions.begin() as tx:
        proved = store.all_verified(tx)
        store.try_again(tx, [host for host, status in proved.items() if status == "active" and host not in permitted])
    for host in permitted - set(proved):
        context.ports.certificates.forbid(host)
