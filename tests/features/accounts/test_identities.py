"""People who come through an outside provider."""

from collections.abc import Sequence

import pytest

from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.wiring.container import Container

ISSUER = "https://id.example.com"


def come(
    container: Container, subject: str = "1", email: str = "ada@example.com", *, verified: bool = True, domains: Sequence[str] = ()
) -> accounts.User:  # fmt: skip
    with container.transactions.begin() as tx:
        return accounts.find_or_create_from_identity(
            tx, issuer=ISSUER, subject=subject, email=email, email_verified=verified, name="Ada", domains=domains
        )


def refusal(container: Container, **how: object) -> str:
    with pytest.raises(CanonryError) as caught:
        come(container, **how)  # type: ignore[arg-type]
    return caught.value.code


def owner(container: Container) -> str:
    with container.transactions.begin() as tx:
        return accounts.create_owner(tx, email="ada@example.com", name="ada", handle="ada", organization_name="ada")[0]


def unverify(container: Container) -> None:
    with container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = NULL")


def test_somebody_new_gets_an_account_and_an_organization_and_is_known_from_then_on(container: Container) -> None:
    user = come(container, email="Ada@Example.com")
    assert user.email == "ada@example.com"
    assert user.email_verified_at is not None
    with container.transactions.begin() as tx:
        (mine,) = accounts.memberships(tx, user.id)
        assert (mine.handle, mine.role) == ("ada", "owner")
        assert accounts.membership(tx, user.id, "@ADA") == mine
        assert accounts.membership(tx, user.id, "other") is None
    assert come(container, email="changed@example.com").id == user.id


def test_the_first_person_of_all_runs_this_canonry_and_no_other(container: Container) -> None:
    assert come(container).is_operator
    assert not come(container, subject="2", email="bob@example.com").is_operator


def test_an_account_is_linked_when_both_sides_have_verified_the_address(container: Container) -> None:
    user_id = owner(container)
    assert come(container).id == user_id


def test_an_address_that_one_side_has_not_verified_opens_no_account(container: Container) -> None:
    owner(container)
    assert refusal(container, verified=False) == "email_taken"
    unverify(container)
    assert refusal(container, verified=True) == "email_taken"


def test_an_unverified_address_stays_unverified_here(container: Container) -> None:
    assert come(container, verified=False).email_verified_at is None


def test_whoever_is_deactivated_does_not_come_in_by_another_door(container: Container) -> None:
    come(container)
    with container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET deactivated_at = now()")
    assert refusal(container) == "account_deactivated"
    assert refusal(container, subject="other") == "account_deactivated"


@pytest.mark.parametrize("how", [{"subject": ""}, {"email": "no address"}, {"subject": "a\0"}])
def test_an_identity_that_says_too_little_is_refused(container: Container, how: dict[str, str]) -> None:
    assert refusal(container, **how) in {"invalid_identity", "invalid_email"}


def test_two_people_whose_addresses_begin_alike_get_handles_of_their_own(container: Container) -> None:
    first, second = come(container), come(container, subject="2", email="ada@other.example")
    with container.transactions.begin() as tx:
        handles = [accounts.memberships(tx, user.id)[0].handle for user in (first, second)]
    assert handles[0] == "ada"
    assert handles[1].startswith("ada-")


def test_whoever_came_by_a_provider_may_set_a_password(container: Container) -> None:
    user = come(container)
    accounts.set_password(container.transactions, user.id, Secret("correct horse battery"))
    signed_in = accounts.sign_in(
        container.transactions, container.vault, email=user.email, password=Secret("correct horse battery"), address=""
    )
    assert signed_in.id == user.id


def test_with_a_list_of_domains_nobody_else_gets_an_account(container: Container) -> None:
    ours = ["example.com", "example.org"]
    for email in ("eve@evil.test", "eve@sub.example.com", "eve@example.com.evil.test", "eve@notexample.com"):
        assert refusal(container, subject="9", email=email, domains=ours) == "email_domain_not_allowed"
    assert refusal(container, subject="9", email="eve@example.com", verified=False, domains=ours) == "email_domain_not_allowed"
    with container.transactions.begin() as tx:
        assert accounts.first_owner(tx) is None
    assert come(container, email="Ada@EXAMPLE.org", domains=ours).email == "ada@example.org"


def test_with_a_list_of_domains_no_other_account_is_linked_and_who_is_linked_stays(container: Container) -> None:
    user_id = owner(container)
    assert refusal(container, domains=["example.org"]) == "email_domain_not_allowed"
    assert come(container).id == user_id
    assert come(container, domains=["example.org"]).id == user_id
