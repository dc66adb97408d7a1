"""What may be attached, which records prove it, and what a look at the DNS means."""

import hashlib
import hmac
from collections.abc import Sequence

from canonry.core.errors import Invalid, Issue
from canonry.core.settings import Settings
from canonry.features.domains.models import Assessment, Check, DnsRecord
from canonry.features.projects import Project
from canonry.ports.dns import DnsAnswer

MOST_OF_A_PROJECT = 100
RESERVED_HOURS = 24  # how long a claim without proof keeps other organizations away
GIVE_UP_DAYS = 7  # how long a claim without proof is looked at
_MINUTES = (1, 1, 2, 2, 5, 5, 10, 15, 30, 60)
_VERIFIED_MINUTES = 12 * 60

_WORDS = {"no_such_name": "there is no such name", "no_record": "there is no such record", "server_failure": "its name server failed",
          "timeout": "its name server did not answer"}  # fmt: skip


def subdomain_of(project: Project, settings: Settings) -> str:
    """Return the free subdomain of a project."""
    return f"{project.slug}.{settings.base_domain}"


def check_attachable(hostname: str, settings: Settings, field: str) -> None:
    """Return when a project may have this name. Raises: Invalid `reserved_hostname` for Canonry's own names and those below them."""
    for own in {settings.base_domain, "localhost", settings.http_address}:
        if hostname == own or hostname.endswith(f".{own}"):
            raise Invalid("reserved_hostname", f"{hostname} belongs to this Canonry: names at {own} are the free ones of its projects.",
                          hint="Attach a domain of your own.", issues=[Issue(field, "belongs to this Canonry", "reserved")])  # fmt: skip


def ownership_token(key: bytes, organization_id: str, hostname: str) -> str:
    """Return what an organization's TXT record for a name has to say.

    It is the same each time, so the owner of a name that somebody else has claimed can prove it before there is a claim of theirs.
    """
    digest = hmac.new(key, f"{organization_id} {hostname}".encode(), hashlib.sha256).hexdigest()
    return f"canonry-{digest[:40]}"


def ownership_name(hostname: str) -> str:
    """Return where the TXT record has to stand."""
    return f"_canonry.{hostname}"


def records_for(hostname: str, subdomain: str, token: str, addresses: Sequence[str]) -> list[DnsRecord]:
    """Return the records that the owner shall make: those that lead here, and the one that proves the ownership."""
    if addresses:
        routing = [DnsRecord("AAAA" if ":" in one else "A", hostname, one, "routing") for one in addresses]
    else:
        is_apex = hostname.count(".") == 1
        note = "At the top of a zone a CNAME is not allowed: use your provider's ALIAS, ANAME or flattened CNAME." if is_apex else ""
        routing = [DnsRecord("CNAME", hostname, subdomain, "routing", note)]
    return [*routing, DnsRecord("TXT", ownership_name(hostname), token, "ownership")]


def assess(
    hostname: str, token: str, texts: DnsAnswer, found: DnsAnswer, authorities: DnsAnswer, *, subdomain: str, ours: Sequence[str],
    authority: str,
) -> Assessment:  # fmt: skip
    """Say what the answers mean.

    found: the addresses of the name. ours: addresses that lead to this machine. authority: the name of our certificate authority in CAA
    records, empty when there is none.
    """
    owned = token in texts.values if texts.is_known else None
    points = (subdomain in found.aliases or bool(set(found.values) & set(ours))) if found.is_known else None
    checks = [_ownership(hostname, token, texts), _pointing(hostname, found, subdomain, ours, points=bool(points))]
    if authority:
        checks.append(_authority(hostname, authorities, authority))
    return Assessment(owned, points, texts.values, checks)


def minutes_to_next_check(unsuccessful: int, *, verified: bool) -> int:
    """Return after how many minutes to look again."""
    return _VERIFIED_MINUTES if verified else _MINUTES[min(unsuccessful, len(_MINUTES) - 1)]


def minutes_to_next_certificate(failures: int) -> int:
    """Return how long to wait after so many failures in a row: certificate authorities lock out who tries too often."""
    return int(min(24 * 60, 5 * 4 ** max(0, failures - 1)))


def minutes_to_next_look_at_certificate(left: float) -> int:
    """Return after how many minutes to look at a certificate that is valid for so many more: the edge renews it meanwhile."""
    return int(min(12 * 60, max(5, left / 2)))


def _ownership(hostname: str, token: str, texts: DnsAnswer) -> Check:
    name, ok = ownership_name(hostname), token in texts.values
    if ok:
        message = "The TXT record proves that the name is yours."
    elif texts.values:
        message = f"The TXT records at {name} are other ones: make one more with the expected value."
    else:
        message = f"No TXT record at {name}: {_WORDS[texts.fault or 'no_record']}."
    return Check("ownership", "TXT", name, [token], list(texts.values), ok, message)


def _pointing(hostname: str, found: DnsAnswer, subdomain: str, ours: Sequence[str], *, points: bool) -> Check:
    seen = [*found.aliases, *found.values]
    expected = list(ours) or [subdomain]
    strays = [value for value in found.values if ours and value not in ours]
    if points and not strays:
        message = "The name leads here."
    elif points:
        message = f"The name leads here, and elsewhere too: {', '.join(strays)}. Visitors who get those do not arrive."
    elif found.values:
        message = f"The name leads elsewhere: {', '.join(seen)}."
    else:
        message = f"The name leads nowhere: {_WORDS[found.fault or 'no_record']}."
    kind = "CNAME" if found.aliases or not ours else "A"
    return Check("pointing", kind, hostname, expected, seen, points and not strays, message)


def _authority(hostname: str, found: DnsAnswer, authority: str) -> Check:
    issuers = [value for value in found.values if value.lower().startswith("issue ")]
    allowed = [value.split(" ", 1)[1].partition(";")[0].strip().lower() for value in issuers]
    ok = found.is_known and (not issuers or authority in allowed)
    if ok:
        message = f"{authority} may make certificates for the name."
    elif not found.is_known:
        message = f"Whether {authority} may make certificates is not known: {_WORDS[found.fault or 'timeout']}. It will refuse as well."
    else:
        message = f'CAA records forbid {authority} to make certificates: add `0 issue "{authority}"`.'
    return Check("authority", "CAA", hostname, [f"issue {authority}"], list(found.values), ok, message)
