"""Certificates of domains: obtained when a name is proved, shown, tried again with patience, and forbidden when the name is given up."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from canonry.adapters.edge.memory_certificates import MemoryCertificates
from canonry.core.clock import now
from canonry.features.domains import DomainRounds
from canonry.wiring.container import Container
from tests.support.api import Api, serving
from tests.support.domains import Tenant, dns_of, tenant


@pytest.fixture
def api(container: Container) -> Iterator[Api]:
    """Give an API of a Canonry with HTTPS."""
    settings = replace(container.settings, https_port=8443, tls="acme", public_addresses="192.0.2.7", base_domain="apps.test")
    with serving(replace(container, settings=settings)) as served:
        yield served


def test_a_proved_name_that_leads_here_has_a_certificate_after_the_next_round(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    dns_of(api).records["shop.test", "A"] = ["192.0.2.7"]
    shop.own("shop.test")
    shop.attach("claimed.test")
    assert _ssl(shop, "shop.test") == "pending"
    _look(api)
    shown = shop.ask("GET", f"{shop.path}/shop.test").json
    assert (shown["ssl"], shown["sslActive"], shown["ssl_error"]) == ("active", True, None)
    assert datetime.fromisoformat(shown["ssl_expires_at"]) > now() + timedelta(days=80)
    assert _certificates(api).permitted() == ["shop.test"]
    assert _ssl(shop, "claimed.test") == "pending"
    assert shown["checks"][2]["type"] == "CAA"
    assert shop.ask("GET", "/v1/projects/shop").json["url"] == "https://shop.apps.test:8443"


def test_a_name_that_leads_elsewhere_is_not_tried_until_it_leads_here(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    dns_of(api).records["shop.test", "A"] = ["203.0.113.9"]
    shop.own("shop.test")
    _look(api)
    assert (_ssl(shop, "shop.test"), _certificates(api).tries) == ("pending", [])
    dns_of(api).records["shop.test", "A"] = ["192.0.2.7"]
    assert shop.verify("shop.test")
    _look(api)
    assert _ssl(shop, "shop.test") == "active"


def test_a_refusal_is_shown_and_tried_again_later_and_later(api: Api) -> None:
    shop, certificates = tenant(api, "shop", site="shop"), _certificates(api)
    dns_of(api).records["shop.test", "A"] = ["192.0.2.7"]
    certificates.faults["shop.test"] = "CAA forbids it"
    shop.own("shop.test")
    waits = []
    for tries in range(1, 5):
        _look(api)
        _look(api)  # not due
        assert len(certificates.tries) == tries
        shown = shop.ask("GET", f"{shop.path}/shop.test").json
        assert (shown["ssl"], "CAA forbids it" in shown["ssl_error"]) == ("failed", True)
        waits.append(_next_try(api) - now())
        _make_due(api)
    assert waits == sorted(waits)
    assert waits[0] < timedelta(minutes=6) < timedelta(hours=4) < waits[-1]
    assert certificates.permitted() == []
    assert api.edge.answer("shop.test").body == b"shop"  # over HTTP it is served all the same
    del certificates.faults["shop.test"]
    _look(api)
    assert _ssl(shop, "shop.test") == "active"


def test_who_gives_a_name_up_takes_its_permission_along(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    for name in ("shop.test", "gone.test"):
        dns_of(api).records[name, "A"] = ["192.0.2.7"]
        shop.own(name)
    _look(api)
    assert _certificates(api).permitted() == ["gone.test", "shop.test"]
    assert shop.ask("DELETE", f"{shop.path}/gone.test").status == 204
    assert _certificates(api).permitted() == ["shop.test"]
    assert shop.ask("DELETE", "/v1/projects/shop").status == 204
    _look(api)
    assert _certificates(api).permitted() == []


def test_a_permission_that_was_lost_comes_back(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    dns_of(api).records["shop.test", "A"] = ["192.0.2.7"]
    shop.own("shop.test")
    _look(api)
    _certificates(api).forbid("shop.test")
    _look(api)
    assert _certificates(api).permitted() == ["shop.test"]


def test_an_alias_has_no_certificate_before_it_is_proved(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    dns_of(api).records["old.test", "A"] = ["192.0.2.7"]
    made = shop.ask("POST", "/v1/projects/shop/aliases", {"hostname": "old.test"}).json
    assert (made["ssl"], made["ownership"]["type"]) == ("pending", "TXT")
    _look(api)
    assert _certificates(api).permitted() == []
    dns_of(api).records[made["ownership"]["name"], "TXT"] = [made["ownership"]["value"]]
    assert shop.verify("old.test")
    _look(api)
    assert shop.ask("GET", "/v1/projects/shop/aliases").json["aliases"][0]["ssl"] == "active"


def test_the_free_subdomain_shows_the_certificate_that_its_first_visitor_brought(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    assert _ssl(shop, "shop.apps.test") == "pending"
    _certificates(api).obtain("shop.apps.test")
    assert _ssl(shop, "shop.apps.test") == "active"


def _look(api: Api) -> None:
    rounds = DomainRounds(api.container)
    rounds.look()
    rounds.close()


def _certificates(api: Api) -> MemoryCertificates:
    certificates = api.container.ports.certificates
    assert isinstance(certificates, MemoryCertificates)
    return certificates


def _ssl(shop: Tenant, name: str) -> str:
    return str(shop.ask("GET", f"{shop.path}/{name}").json["ssl"])


def _next_try(api: Api) -> datetime:
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT ssl_next_try_at FROM domains").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def _make_due(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE domains SET ssl_next_try_at = now()")
