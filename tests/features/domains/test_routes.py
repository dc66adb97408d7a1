"""Domains and aliases over HTTP: what the rows of the contract say, and bad input."""

import threading

import pytest

from canonry.core.access import Scope
from canonry.features.domains import service, store
from tests.support.api import Api
from tests.support.between import beside, once_after, once_before
from tests.support.domains import dns_of, tenant


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/domains")
def test_attaching_answers_with_the_records_to_create(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    answer = shop.attach("  WWW.Shop.Test. ")
    assert answer.status == 201
    domain = answer.json["domain"]
    assert (domain["hostname"], domain["verified"], domain["primary"], domain["kind"]) == ("www.shop.test", False, False, "custom")
    routing, ownership = domain["dns_records"]
    assert (routing["type"], routing["name"], routing["value"]) == ("CNAME", "www.shop.test", "shop.localhost")
    assert (ownership["type"], ownership["name"]) == ("TXT", "_canonry.www.shop.test")
    assert ownership["value"].startswith("canonry-")
    assert {name: answer.json[name] for name in domain} == domain
    assert "www.shop.test" not in api.edge.hosts()  # nothing is served before the proof
    assert shop.attach("www.shop.test").error == (409, "domain_exists")
    other = tenant(api, "other", who=api.somebody())
    assert other.attach("www.shop.test").error == (409, "domain_taken")
    assert tenant(api, "mine-too").attach("www.shop.test").error == (409, "domain_taken")


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/domains")
@pytest.mark.parametrize(
    "hostname",
    ["", "shop", "*.shop.test", "a b.test", "https://shop.test", "shop.test/path", "shop.test:80", "-a.test", "a..test", "192.0.2.1",
     "x" * 64 + ".test", ".".join(["abcdefgh"] * 40), "shop.test\u0000", "_dmarc.shop.test", "::1", "\u2603" * 80 + ".test"],
)  # fmt: skip
def test_a_bad_hostname_is_400_and_names_the_field(api: Api, hostname: str) -> None:
    answer = tenant(api, "shop").attach(hostname)
    assert answer.status == 400
    assert answer.json["issues"][0]["path"] == "body.hostname"
    assert answer.error[1] in {"invalid_hostname", "validation_failed"}
    assert len(api.get("/v1/projects/shop/domains")["domains"]) == 1


@pytest.mark.parametrize("hostname", ["shop.localhost", "other.localhost", "localhost.localhost", "a.b.localhost"])
def test_the_names_of_canonry_itself_are_refused(api: Api, hostname: str) -> None:
    assert tenant(api, "shop").attach(hostname).error == (400, "reserved_hostname")


def test_an_international_name_is_kept_as_it_stands_in_dns(api: Api) -> None:
    shop = tenant(api, "shop")
    assert shop.attach("www.B\u00fccher.example").json["hostname"] == "www.xn--bcher-kva.example"
    assert shop.ask("GET", f"{shop.path}/www.b%C3%BCcher.example").json["hostname"] == "www.xn--bcher-kva.example"


@pytest.mark.contract("Canner", "GET /v1/projects/{slug}/domains")
@pytest.mark.contract("Cantila", "GET /v1/projects/:id/domains")
def test_the_free_subdomain_is_listed_as_primary_until_another_one_is(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    (free,) = api.get(shop.path)["domains"]
    assert (free["hostname"], free["kind"], free["verified"], free["primary"]) == ("shop.localhost", "subdomain", True, True)
    shop.own("www.shop.test")
    shop.attach("shop.test")
    assert shop.ask("POST", "/v1/projects/shop/aliases", {"hostname": "old.test"}).status == 201
    flags = {row["hostname"]: (row["verified"], row["primary"], row["kind"]) for row in api.get(shop.path)["domains"]}
    assert flags == {
        "shop.localhost": (True, True, "subdomain"), "www.shop.test": (True, False, "custom"), "shop.test": (False, False, "custom"),
        "old.test": (False, False, "alias"),
    }  # fmt: skip
    assert shop.ask("POST", f"{shop.path}/www.shop.test/primary").status == 200
    project_id = api.get("/v1/projects/shop")["id"]
    by_id = api.get(f"/v1/projects/{project_id}/domains")["domains"]
    assert [row["hostname"] for row in by_id if row["primary"]] == ["www.shop.test"]
    assert (by_id[1]["projectId"], by_id[1]["sslActive"], by_id[1]["createdAt"]) == (project_id, False, by_id[1]["created_at"])


@pytest.mark.contract("Canner", "GET /v1/projects/{slug}/domains/{hostname}")
def test_one_domain_is_shown_with_its_last_check_and_an_unknown_one_is_404(api: Api) -> None:
    shop = tenant(api, "shop")
    shop.attach("shop.test")
    assert api.get(f"{shop.path}/shop.test")["checked_at"] is None
    assert not shop.verify("shop.test")
    shown = api.get(f"{shop.path}/SHOP.test")
    assert shown["domain"]["hostname"] == "shop.test"
    assert shown["checked_at"] is not None
    assert {check["check"]: check["ok"] for check in shown["checks"]} == {"ownership": False, "pointing": False}
    for unknown in ("other.test", "shop", "a%20b", "x" * 300, "%00", "..", "other.localhost"):
        assert shop.ask("GET", f"{shop.path}/{unknown}").error[0] == 404, unknown
    assert api.get(f"{shop.path}/shop.localhost")["kind"] == "subdomain"


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/domains/{hostname}/verify")
def test_verify_says_what_was_found_and_turns_true_with_the_record(api: Api) -> None:
    shop, dns = tenant(api, "shop", site="shop"), dns_of(api)
    shop.attach("www.shop.test")
    dns.records["_canonry.www.shop.test", "TXT"] = ["something else"]
    dns.records["www.shop.test", "A"] = ["203.0.113.9"]
    answer = shop.ask("POST", f"{shop.path}/www.shop.test/verify")
    assert (answer.status, answer.json["verified"]) == (200, False)
    ownership, pointing = answer.json["checks"]
    assert (ownership["found"], ownership["expected"], ownership["ok"]) == (["something else"], [shop.token("www.shop.test")], False)
    assert (pointing["found"], pointing["ok"]) == (["203.0.113.9"], False)
    assert api.edge.answer("www.shop.test").status == 404
    shop.prove("www.shop.test")
    answer = shop.ask("POST", f"{shop.path}/www.shop.test/verify")
    assert (answer.status, answer.json["verified"], answer.json["domain"]["verified"]) == (200, True, True)
    assert answer.json["checks"][0]["ok"] is True
    assert api.edge.answer("www.shop.test").body == b"shop"  # served when the call returns
    assert shop.ask("POST", f"{shop.path}/other.test/verify").error == (404, "domain_not_found")
    assert shop.ask("POST", f"{shop.path}/shop.localhost/verify").json["verified"] is True


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/domains/{hostname}/primary")
@pytest.mark.criterion("operating#verified-first")
def test_exactly_one_domain_is_primary_and_the_other_custom_ones_redirect_to_it(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    for name in ("shop.test", "www.shop.test", "plain.test"):
        shop.own(name, redirect=name != "plain.test")
    shop.attach("later.test")
    assert shop.ask("POST", f"{shop.path}/later.test/primary").error == (409, "domain_not_verified")
    assert shop.ask("POST", f"{shop.path}/nothing.test/primary").error == (404, "domain_not_found")
    for primary, other in (("www.shop.test", "shop.test"), ("shop.test", "www.shop.test")):
        answer = shop.ask("POST", f"{shop.path}/{primary}/primary")
        assert (answer.status, answer.json["domain"]["primary"]) == (200, True)
        assert [row["hostname"] for row in api.get(shop.path)["domains"] if row["primary"]] == [primary]
        moved = api.edge.answer(other, "/a?b=c")
        assert (moved.status, moved.headers["location"]) == (308, f"http://{primary}/a?b=c")
        for serving in (primary, "plain.test", "shop.localhost"):
            assert api.edge.answer(serving).body == b"shop"
    assert shop.ask("POST", f"{shop.path}/shop.test/primary", {"redirect_subdomain": True, "redirect": False}).status == 200
    assert api.edge.answer("shop.localhost").headers["location"] == "http://shop.test/"
    assert api.edge.answer("www.shop.test").status == 200
    assert shop.ask("POST", f"{shop.path}/shop.localhost/primary").json["primary"] is True
    assert [row["hostname"] for row in api.get(shop.path)["domains"] if row["primary"]] == ["shop.localhost"]
    assert api.edge.answer("shop.localhost").body == b"shop"


@pytest.mark.contract("Canner", "DELETE /v1/projects/{slug}/domains/{hostname}")
@pytest.mark.criterion("operating#removed-stops")
def test_a_detached_host_stops_routing_at_once_and_can_be_attached_elsewhere(api: Api) -> None:
    shop, other = tenant(api, "shop", site="shop"), tenant(api, "other", who=api.somebody(), site="other")
    shop.own("www.shop.test")
    shop.own("shop.test")
    shop.ask("POST", f"{shop.path}/www.shop.test/primary")
    assert api.edge.answer("shop.test").status == 308
    assert other.attach("www.shop.test").error == (409, "domain_taken")
    assert shop.ask("DELETE", f"{shop.path}/www.shop.test").status == 204
    assert api.edge.answer("www.shop.test").status == 404
    assert api.edge.answer("shop.test").body == b"shop"  # nowhere to redirect to any more
    assert shop.ask("GET", f"{shop.path}/www.shop.test").error == (404, "domain_not_found")
    assert shop.ask("DELETE", f"{shop.path}/www.shop.test").error == (404, "domain_not_found")
    dns_of(api).records.clear()
    other.own("www.shop.test")
    assert api.edge.answer("www.shop.test").body == b"other"
    assert shop.ask("DELETE", f"{shop.path}/shop.localhost").error == (409, "subdomain_stays")
    assert shop.ask("DELETE", f"{shop.path}/other.test").error == (404, "domain_not_found")


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/aliases")
@pytest.mark.parametrize("field", ["hostname", "domain"])
def test_an_alias_is_lower_cased_and_its_requests_reach_the_app(api: Api, field: str) -> None:
    shop = tenant(api, "shop", site="shop")
    answer = shop.ask("POST", "/v1/projects/shop/aliases", {field: "  Old.Shop.TEST "})
    assert answer.status == 201
    assert answer.json["domain"] == "old.shop.test"
    assert answer.json["dns"] == {"type": "CNAME", "name": "old.shop.test", "value": "shop.localhost"}
    assert answer.json["ssl"] == "off"
    assert api.edge.answer("old.shop.test").body == b"shop"
    for taken in (shop, tenant(api, "other", who=api.somebody())):
        assert taken.ask("POST", f"/v1/projects/{taken.project}/aliases", {field: "old.shop.test"}).error[0] == 409
    for wrong in ("*.shop.test", "a b", "", "x.localhost", "no_underscore.test"):
        bad = shop.ask("POST", "/v1/projects/shop/aliases", {field: wrong})
        assert (bad.status, bool(bad.json["issues"])) == (400, True), wrong
    assert shop.ask("POST", "/v1/projects/shop/aliases", {}).error == (400, "validation_failed")
    assert api.ask("POST", "/v1/projects/shop/aliases", {field: "x.test"}, token=api.owner.tokens[Scope.READ]).error[0] == 403


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/aliases")
def test_only_aliases_are_listed_and_one_can_be_taken_away(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    shop.attach("www.shop.test")
    assert shop.ask("GET", "/v1/projects/shop/aliases").json == {"aliases": []}
    for name in ("a.test", "b.test"):
        shop.ask("POST", "/v1/projects/shop/aliases", {"hostname": name})
    assert [row["domain"] for row in shop.ask("GET", "/v1/projects/shop/aliases").json["aliases"]] == ["a.test", "b.test"]
    assert shop.ask("DELETE", "/v1/projects/shop/aliases/www.shop.test").error == (404, "domain_not_found")
    assert shop.ask("DELETE", "/v1/projects/shop/aliases/a.test").status == 204
    assert [row["domain"] for row in shop.ask("GET", "/v1/projects/shop/aliases").json["aliases"]] == ["b.test"]
    assert (api.edge.answer("a.test").status, api.edge.answer("b.test").status) == (404, 200)


def test_what_is_done_to_domains_is_in_the_audit_trail_without_the_token(api: Api) -> None:
    shop = tenant(api, "shop")
    shop.own("www.shop.test")
    token = shop.token("www.shop.test")
    shop.ask("POST", f"{shop.path}/www.shop.test/primary")
    shop.ask("DELETE", f"{shop.path}/www.shop.test")
    query = "SELECT name, payload::text, coalesce(after::text, '') FROM events WHERE name LIKE 'domain.%%' ORDER BY id"
    with api.container.transactions.begin() as tx:
        events = tx.connection.execute(query, ()).fetchall()
    assert [row[0] for row in events] == ["domain.attached", "domain.verified", "domain.primary", "domain.detached"]
    assert token not in str(events)


def test_a_name_that_is_proved_while_another_is_chosen_as_primary_redirects_to_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = tenant(api, "shop", site="shop")
    shop.own("one.test", redirect=True)
    assert shop.attach("two.test", redirect=True).status == 201
    shop.prove("two.test")
    choosing: list[threading.Thread] = []

    def choose() -> None:
        choosing.append(beside(api.container.transactions, lambda: shop.ask("POST", f"{shop.path}/one.test/primary")))

    once_before(monkeypatch, service, "arrange_hosts", lambda: once_after(monkeypatch, store, "of_project", choose))
    assert shop.verify("two.test")
    choosing[0].join()
    assert dict(api.get(f"{shop.path}/one.test"))["primary"] is True
    assert api.edge.answer("two.test").headers["location"] == "http://one.test/"
