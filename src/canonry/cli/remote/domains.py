"""`canonry domains`: the names of a project, the DNS records that they need, and their certificates."""

import time
from collections.abc import Sequence
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_fields, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.credentials import current
from canonry.client.domains import Domain, DomainsApi, Record
from canonry.core.errors import Invalid, NeedsAction

_PAUSE = 5.0  # seconds between two looks at the DNS

_LEADS = {True: "yes", False: "no", None: ""}

Hostname = Annotated[str, argument("HOSTNAME", help="The name, like www.example.com.")]
Wait = Annotated[bool, option("--wait", "-w", help="Look at the DNS again and again until it is verified.")]
RedirectOthers = Annotated[str | None, option("--redirect-others", metavar="YES", help="Do other domains redirect to it? yes or no.")]
RedirectSubdomain = Annotated[str | None, option("--redirect-subdomain", metavar="YES", help="Does the free subdomain? yes or no.")]
Timeout = Annotated[int, option("--timeout", min=1, max=86_400, metavar="SECONDS", help="How long --wait waits.")]


def list_domains(project: Project = None, as_json: AsJson = False) -> None:
    """List the names of a project: the free subdomain, domains and aliases."""
    found = DomainsApi(current(), project_of(project)).list()
    if as_json:
        print_json(found)
        return
    print_table(("HOSTNAME", "KIND", "VERIFIED", "LEADS HERE", "PRIMARY", "CERTIFICATE"), [
        (item["hostname"], item["kind"], "yes" if item["verified"] else "no", _LEADS[item["points_here"]],
         "yes" if item["primary"] else "", item["ssl"])
        for item in found
    ])  # fmt: skip


def show_domain(hostname: Hostname, project: Project = None, as_json: AsJson = False) -> None:
    """Show one name: its state, what the last look at its DNS found, and which records it needs."""
    found = DomainsApi(current(), project_of(project)).get(hostname)
    if as_json:
        print_json(found)
    else:
        _show(found)


def add_domain(
    hostname: Hostname,
    alias: Annotated[bool, option("--alias", help="A further name that is served at once, without redirects.")] = False,
    redirect: Annotated[bool, option("--redirect/--no-redirect", help="Send its visitors to the primary domain.")] = True,
    wait: Wait = False,
    timeout: Timeout = 600,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Attach a domain, and print the DNS records to make at your provider: one line each, to be pasted into a zone."""
    api = DomainsApi(current(), project_of(project))
    made = api.attach_alias(hostname) if alias else api.attach(hostname, redirect=redirect)
    if not as_json:
        for line in zone_lines(made["dns_records"]):
            print(line)
        for note in [record["note"] for record in made["dns_records"] if record["note"]]:
            say(note)
        served = " It is served already." if alias else ""
        say(f"Attached {made['hostname']}.{served} Make the records above, then: canonry domains verify {made['hostname']}")
    if wait and not made["verified"]:
        made = _wait(api, made["hostname"], timeout)
    if as_json:
        print_json(made)
    elif made["verified"]:
        say(f"{made['hostname']} is verified.")


def verify_domain(hostname: Hostname, wait: Wait = False, timeout: Timeout = 600, project: Project = None, as_json: AsJson = False) -> None:
    """Look at the DNS of a domain now, and serve it when it is proved. When it is not, this fails and says what is missing."""
    api = DomainsApi(current(), project_of(project))
    found = _wait(api, hostname, timeout) if wait else api.verify(hostname)
    if as_json:
        print_json(found)
    elif found["verified"]:
        _tell(found)
        say(f"{found['hostname']} is verified.")
    if not found["verified"]:
        raise _missing(found)


def make_primary(
    hostname: Hostname,
    redirect: RedirectOthers = None,
    subdomain: RedirectSubdomain = None,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Make a name the primary one, to which the other domains redirect."""
    document = {"redirect": _yes(redirect, "--redirect-others"), "redirect_subdomain": _yes(subdomain, "--redirect-subdomain")}
    found = DomainsApi(current(), project_of(project)).make_primary(hostname, document)
    if as_json:
        print_json(found)
    else:
        say(f"{found['hostname']} is the primary domain.")


def remove_domain(hostname: Hostname, project: Project = None) -> None:
    """Take a name away from a project. It is served no more, and can be attached elsewhere."""
    DomainsApi(current(), project_of(project)).detach(hostname)
    say(f"Removed {hostname}.")


def zone_lines(records: Sequence[Record]) -> list[str]:
    """Return the records as lines of a zone file, in columns."""
    width = max((len(record["name"]) for record in records), default=0) + 1
    return [f"{record['name'] + '.':<{width}}  300  IN  {record['type']:<5}  {_value(record)}" for record in records]


def _value(record: Record) -> str:
    if record["type"] == "TXT":
        return f'"{record["value"]}"'
    return record["value"] + ("." if record["type"] == "CNAME" else "")


def _wait(api: DomainsApi, hostname: str, timeout: int) -> Domain:
    """Look until it is verified or the time is over; say what is missing whenever that changes."""
    deadline, told = time.monotonic() + timeout, ""
    while True:
        found = api.verify(hostname)
        if found["verified"] or time.monotonic() + _PAUSE > deadline:
            return found
        missing = next((check["message"] for check in found["checks"] if check["check"] == "ownership"), "")
        if missing != told:
            say(f"Waiting: {missing}")
            told = missing
        time.sleep(_PAUSE)


def _tell(domain: Domain) -> None:
    for check in domain["checks"]:
        say(f"{'ok      ' if check['ok'] else 'missing '} {check['message']}")


def _missing(domain: Domain) -> NeedsAction:
    _tell(domain)
    hint = f"Make its records (canonry domains info {domain['hostname']}); a new record takes a while to be seen."
    return NeedsAction("not_verified", f"{domain['hostname']} is not verified.", hint=hint)


def _yes(text: str | None, flag: str) -> bool | None:
    if text is None:
        return None
    if text.lower() not in {"yes", "no"}:
        raise Invalid("usage", f"{flag} {text}: say yes or no.")
    return text.lower() == "yes"


def _show(domain: Domain) -> None:
    expires = domain["ssl_expires_at"]
    checks = [f"{'ok' if check['ok'] else 'missing'}: {check['message']}" for check in domain["checks"]]
    print_fields({
        "Hostname": domain["hostname"], "Kind": domain["kind"], "Verified": "yes" if domain["verified"] else "no",
        "Primary": "yes" if domain["primary"] else "no", "Certificate": domain["ssl"] + (f" until {expires[:10]}" if expires else ""),
        "Error": domain["ssl_error"], "Checked": f"{age(domain['checked_at'])} ago" if domain["checked_at"] else None, "Found": checks,
        "Records": zone_lines(domain["dns_records"]),
    })  # fmt: skip
