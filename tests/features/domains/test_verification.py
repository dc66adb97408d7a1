"""Who gets a name: squatters, former owners, name servers that are away, stops and starts, and kill -9 in between."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from canonry.core.clock import now
from canonry.features.deployments import Watch
from canonry.features.domains import DomainRounds
from canonry.wiring.container import Container
from tests.support.api import Api, serving
from tests.support.domains import dns_of, tenant


def test_a_squatter_does_not_keep_the_owner_away_who_can_prove_it(api: Api) -> None:
    squatter, owner = tenant(api, "squatter", who=api.somebody(), site="squatter"), tenant(api, "owner", site="owner")
    assert squatter.attach("victim.test").status == 201
    refused = owner.attach("victim.test")
    assert refused.error == (409, "domain_taken")
    dns_of(api).records["_canonry.victim.test", "TXT"] = [_token_in(refused.json["hint"])]
    assert owner.attach("victim.test").json["domain"]["verified"] is True
    assert api.edge.answer("victim.test").body == b"owner"
    assert not squatter.verify("victim.test")


def test_a_claim_without_proof_keeps_others_away_for_a_day_and_not_anew_each_time(api: Api) -> None:
    squatter, owner = tenant(api, "squatter", who=api.somebody()), tenant(api, "owner")
    squatter.attach("victim.test")
    _let_time_pass(api, hours=25)
    squatter.ask("DELETE", f"{squatter.path}/victim.test")
    assert squatter.attach("victim.test").status == 201
    assert owner.attach("victim.test").status == 201
    assert squatter.verify("victim.test") is owner.verify("victim.test") is False


def test_an_alias_is_served_only_while_nobody_else_proves_the_name(api: Api) -> None:
    squatter, owner = tenant(api, "squatter", who=api.somebody(), site="squatter"), tenant(api, "owner", site="owner")
    assert squatter.ask("POST", "/v1/projects/squatter/aliases", {"hostname": "victim.test"}).status == 201
    assert api.edge.answer("victim.test").body == b"squatter"
    _let_time_pass(api, hours=25)
    owner.attach("victim.test")
    assert api.edge.answer("victim.test").body == b"squatter"
    owner.prove("victim.test")
    assert owner.verify("victim.test")
    assert api.edge.answer("victim.test").body == b"owner"
    squatter.deploy("again")
    assert api.edge.answer("victim.test").body == b"owner"


def test_where_aliases_need_proof_they_are_served_after_it(container: Container) -> None:
    with serving(_with(container, aliases_need_proof=True)) as api:
        shop = tenant(api, "shop", site="shop")
        shop.ask("POST", "/v1/projects/shop/aliases", {"hostname": "old.test"})
        assert api.edge.answer("old.test").status == 404
        shop.prove("old.test")
        assert shop.verify("old.test")
        assert api.edge.answer("old.test").body == b"shop"


def test_a_name_that_changed_hands_goes_to_the_new_owner_once_the_old_proof_is_gone(api: Api) -> None:
    before, after = tenant(api, "before", who=api.somebody(), site="before"), tenant(api, "after", site="after")
    before.own("sold.test")
    before.own("www.sold.test")
    before.ask("POST", f"{before.path}/sold.test/primary")
    records = dns_of(api).records["_canonry.sold.test", "TXT"]
    records.append(_token_in(after.attach("sold.test").json["hint"]))
    assert after.attach("sold.test").error == (409, "domain_taken")  # both records stand there: it stays where it is
    assert api.edge.answer("sold.test").body == b"before"
    del records[0]
    assert after.attach("sold.test").status == 201
    assert api.edge.answer("sold.test").body == b"after"
    assert api.edge.answer("www.sold.test").body == b"before"  # no redirect to somebody else's host is left
    assert not before.verify("sold.test")
    assert [row["hostname"] for row in before.ask("GET", before.path).json["domains"] if row["primary"]] == ["before.localhost"]


def test_a_proved_name_stays_served_when_its_dns_fails_or_moves_away(api: Api) -> None:
    shop, dns = tenant(api, "shop", site="shop"), dns_of(api)
    shop.own("shop.test")
    dns.faults["_canonry.shop.test"] = "server_failure"
    assert shop.verify("shop.test")
    assert [check["ok"] for check in api.get(f"{shop.path}/shop.test")["checks"]] == [False, False]
    dns.faults.clear()
    dns.records.clear()
    dns.records["shop.test", "A"] = ["203.0.113.9"]
    assert shop.verify("shop.test")
    shown = api.get(f"{shop.path}/shop.test")
    assert (shown["points_here"], shown["checks"][1]["message"]) == (False, "The name leads elsewhere: 203.0.113.9.")
    assert api.edge.answer("shop.test").body == b"shop"


def test_deploys_stop_start_and_delete_lead_every_host(api: Api) -> None:
    shop = tenant(api, "shop", site="one")
    shop.own("shop.test")
    shop.own("www.shop.test")
    shop.ask("POST", f"{shop.path}/shop.test/primary")
    shop.deploy("two")
    assert api.edge.answer("shop.test").body == b"two"
    assert api.edge.answer("www.shop.test").status == 308
    api.ask("POST", "/v1/projects/shop/stop")
    assert api.edge.answer("shop.test").status == 503
    shop.own("late.test", redirect=False)
    assert api.edge.answer("late.test").status == 503
    api.ask("POST", "/v1/projects/shop/start")
    assert api.edge.answer("shop.test").body == api.edge.answer("late.test").body == b"two"
    api.ask("DELETE", "/v1/projects/shop")
    assert [api.edge.answer(name).status for name in ("shop.test", "www.shop.test", "late.test")] == [404, 404, 404]
    assert tenant(api, "other", who=api.somebody()).attach("shop.test").status == 201


def test_a_domain_before_the_first_deploy_is_served_by_it(api: Api) -> None:
    shop = tenant(api, "shop")
    shop.own("shop.test")
    assert api.edge.answer("shop.test").status == 404
    shop.deploy("first")
    assert api.edge.answer("shop.test").body == b"first"


def test_what_a_crash_kept_from_the_edge_is_told_at_the_next_start(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    shop.own("shop.test")
    shop.own("www.shop.test")
    shop.ask("POST", f"{shop.path}/shop.test/primary")
    for host in ("shop.test", "www.shop.test"):
        api.edge.remove(host)
    api.edge.redirect("gone.test", "shop.test")
    watch = Watch(api.container)
    watch.round()
    watch.close()
    assert [api.edge.answer(host).status for host in ("shop.test", "www.shop.test", "gone.test")] == [200, 308, 404]


def test_rounds_verify_by_themselves_and_come_less_often(api: Api) -> None:
    shop, rounds = tenant(api, "shop", site="shop"), DomainRounds(api.container)
    shop.attach("shop.test")
    rounds.look()
    first = _next_check(api)
    assert timedelta(0) < first - now() < timedelta(minutes=3)
    rounds.look()
    assert _next_check(api) == first  # not due
    for _ in range(12):
        _make_due(api)
        rounds.look()
    assert _next_check(api) - now() > timedelta(minutes=30)
    shop.prove("shop.test")
    _make_due(api)
    rounds.look()
    assert api.edge.answer("shop.test").body == b"shop"
    assert _next_check(api) - now() > timedelta(hours=6)


def test_a_claim_that_nobody_proves_is_given_up_after_a_week_and_can_still_be_verified_by_hand(api: Api) -> None:
    shop = tenant(api, "shop", site="shop")
    shop.attach("shop.test")
    _let_time_pass(api, hours=24 * 8)
    _make_due(api)
    DomainRounds(api.container).look()
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT next_check_at FROM domains").fetchone() == (None,)
    shop.prove("shop.test")
    assert shop.verify("shop.test")


def test_a_project_has_a_hundred_domains_at_most(api: Api) -> None:
    shop = tenant(api, "shop")
    for number in range(100):
        assert shop.attach(f"d{number}.test").status == 201
    assert shop.attach("one-more.test").error == (409, "too_many_domains")


def test_public_addresses_become_address_records(container: Container) -> None:
    with serving(_with(container, public_addresses="192.0.2.7, 2001:db8::7")) as api:
        shop, dns = tenant(api, "shop", site="shop"), dns_of(api)
        records = shop.attach("shop.test").json["dns_records"]
        assert [(record["type"], record["value"]) for record in records[:2]] == [("A", "192.0.2.7"), ("AAAA", "2001:db8::7")]
        dns.records["shop.test", "A"] = ["192.0.2.7", "203.0.113.1"]
        shop.verify("shop.test")
        pointing = api.get(f"{shop.path}/shop.test")["checks"][1]
        assert (pointing["ok"], "203.0.113.1" in pointing["message"]) == (False, True)
        dns.records["shop.test", "A"] = ["192.0.2.7"]
        shop.verify("shop.test")
        assert api.get(f"{shop.path}/shop.test")["checks"][1]["ok"] is True
        assert api.get(f"{shop.path}/shop.test")["points_here"] is True


def _with(container: Container, **settings: Any) -> Container:  # noqa: ANN401 -- as Settings takes them
    return replace(container, settings=replace(container.settings, **settings))


def _token_in(hint: str) -> str:
    return hint.partition("with the value ")[2].split(",")[0]


def _let_time_pass(api: Api, *, hours: int) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE domain_claims SET first_claimed_at = first_claimed_at - make_interval(hours => %s)", (hours,))
        tx.connection.execute("UPDATE domains SET created_at = created_at - make_interval(hours => %s)", (hours,))


def _make_due(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE domains SET next_check_at = now()")


def _next_check(api: Api) -> datetime:
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT next_check_at FROM domains").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found
