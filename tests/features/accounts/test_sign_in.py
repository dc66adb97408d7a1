"""Signing in: who gets in, what everybody else is told, and how often one may try."""

import contextlib
import statistics
import threading
import time
from collections import Counter

import pyotp
import pytest

from canonry.core.errors import CanonryError, Denied, Limited, Unauthenticated
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.accounts import hashes, second_factor
from canonry.features.accounts.store import second_factors
from canonry.wiring.container import Container

PASSWORD = Secret("correct horse battery")
EMAIL = "ada@example.com"


def person(container: Container, handle: str = "ada") -> str:
    """Make somebody with a password and return their id."""
    with container.transactions.begin() as tx:
        user_id, _ = accounts.create_owner(tx, email=f"{handle}@example.com", name=handle, handle=handle, organization_name=handle)
    accounts.set_password(container.transactions, user_id, PASSWORD)
    return user_id


def attempt(
    container: Container, password: Secret = PASSWORD, *, email: str = EMAIL, code: str | None = None, address: str = ""
) -> accounts.User:  # fmt: skip
    return accounts.sign_in(container.transactions, container.vault, email=email, password=password, code=code, address=address)


def refusal(container: Container, password: Secret = PASSWORD, **how: str) -> str:
    with pytest.raises(CanonryError) as caught:
        attempt(container, password, **how)
    return caught.value.code


def execute(container: Container, query: str, *values: object) -> list[tuple[object, ...]]:
    with container.transactions.begin() as tx:
        cursor = tx.connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def age_attempts(container: Container, seconds: int) -> None:
    execute(container, "UPDATE attempts SET began_at = began_at - make_interval(secs => %s)", seconds)


def second_factor_of(container: Container, user_id: str) -> pyotp.TOTP:
    secret = pyotp.random_base32()
    with container.transactions.begin() as tx:
        second_factors.propose(tx, user_id, container.vault.seal(secret, bound=f"second_factors {user_id}"))
        second_factors.confirm(tx, user_id)
    return pyotp.TOTP(secret)


def test_address_and_password_say_who_it_is(container: Container) -> None:
    user_id = person(container)
    assert attempt(container, email="  Ada@Example.COM ").id == user_id


@pytest.mark.parametrize("email", ["bob@example.com", "no address", "", "a\0b@example.com", "ada@example.com\0", "x" * 5000])
@pytest.mark.criterion("identity#tells-nothing")
def test_whoever_is_unknown_is_told_the_same_as_with_a_wrong_password(container: Container, email: str) -> None:
    person(container)
    assert refusal(container, Secret("wrong password")) == refusal(container, email=email) == "invalid_credentials"


def test_somebody_without_a_password_cannot_sign_in_with_one(container: Container) -> None:
    with container.transactions.begin() as tx:
        accounts.create_owner(tx, email=EMAIL, name="ada", handle="ada", organization_name="ada")
    for password in ("", "nobody has this password"):
        assert refusal(container, Secret(password)) == "invalid_credentials"


def test_an_unknown_address_takes_as_long_as_a_wrong_password(container: Container) -> None:
    person(container)
    times: dict[str, list[float]] = {EMAIL: [], "bob@example.com": []}
    refusal(container, Secret("wrong password"))
    for _ in range(7):
        for email, taken in times.items():
            began = time.thread_time()  # what others do on the machine does not count
            assert refusal(container, Secret("wrong password"), email=email) == "invalid_credentials"
            taken.append(time.thread_time() - began)
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert 0.5 < known / unknown < 2


def test_whoever_is_deactivated_is_told_so_only_with_the_right_password(container: Container) -> None:
    user_id = person(container)
    execute(container, "UPDATE users SET deactivated_at = now() WHERE id = %s", user_id)
    assert refusal(container, Secret("wrong password")) == "invalid_credentials"
    with pytest.raises(Denied, match="deactivated"):
        attempt(container)


@pytest.mark.criterion("identity#tries-limited")
def test_the_eleventh_try_of_an_account_must_wait(container: Container) -> None:
    person(container)
    for _ in range(10):
        assert refusal(container, Secret("wrong password")) == "invalid_credentials"
    with pytest.raises(Limited) as caught:
        attempt(container)
    assert caught.value.code == "too_many_attempts"
    assert caught.value.retry_after is not None
    assert 14 * 60 < caught.value.retry_after <= 15 * 60
    age_attempts(container, 15 * 60 - 30)
    assert refusal(container) == "too_many_attempts"
    age_attempts(container, 31)
    assert attempt(container).email == EMAIL


@pytest.mark.criterion("identity#tries-limited")
def test_an_address_of_the_network_may_not_try_many_accounts(container: Container) -> None:
    person(container)
    for number in range(10):
        assert refusal(container, email=f"user{number}@example.com", address=f"2001:db8:0:1::{number}") == "invalid_credentials"
    assert refusal(container, address="2001:db8:0:1:ffff::1") == "too_many_attempts"
    assert attempt(container, address="2001:db8:0:2::1").email == EMAIL


def test_those_who_get_in_use_nothing_up(container: Container) -> None:
    person(container)
    for _ in range(12):
        assert attempt(container, address="192.0.2.1").email == EMAIL
    for _ in range(9):
        refusal(container, Secret("wrong password"), address="192.0.2.1")
    attempt(container, address="192.0.2.1")
    assert refusal(container, Secret("wrong password"), address="192.0.2.1") == "invalid_credentials"  # the tenth of this address
    assert refusal(container, address="192.0.2.1") == "too_many_attempts"


def test_of_many_tries_at_once_ten_are_looked_at(container: Container) -> None:
    person(container)
    codes: Counter[str] = Counter()

    def one() -> None:
        codes[refusal(container, Secret("wrong password"), address="192.0.2.1")] += 1

    threads = [threading.Thread(target=one) for _ in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {"invalid_credentials": 10, "too_many_attempts": 15}


def test_what_was_typed_is_kept_nowhere(container: Container) -> None:
    refusal(container, email="my secret password")
    assert "secret" not in str(execute(container, "SELECT key FROM attempts"))


@pytest.mark.criterion("identity#argon2-only")
def test_a_password_is_kept_as_an_argon2_hash_and_nowhere_else(container: Container) -> None:
    user_id = person(container)
    attempt(container)
    refusal(container, Secret("another wrong word"))
    assert str(execute(container, "SELECT password_hash FROM users WHERE id = %s", user_id)[0][0]).startswith("$argon2id$")
    tables = execute(container, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) > 20
    for (table,) in tables:
        for word in (PASSWORD.reveal(), "another wrong word"):
            assert execute(container, f"SELECT 1 FROM {table} kept WHERE strpos(kept::text, %s) > 0", word) == [], table  # noqa: S608 -- a table of ours


def test_a_hash_with_old_parameters_is_made_anew(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415

    user_id = person(container)
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD.reveal())
    execute(container, "UPDATE users SET password_hash = %s WHERE id = %s", old, user_id)
    attempt(container)
    ((kept,),) = execute(container, "SELECT password_hash FROM users WHERE id = %s", user_id)
    assert kept != old
    assert not hashes.is_outdated(str(kept))
    monkeypatch.setattr(hashes, "make_hash", lambda _password: pytest.fail("made again"))
    attempt(container)


class TestSecondFactor:
    def test_a_password_alone_is_not_enough(self, container: Container) -> None:
        app = second_factor_of(container, person(container))
        assert refusal(container, Secret("wrong password"), code=app.now()) == "invalid_credentials"
        assert refusal(container) == "second_factor_required"
        assert refusal(container, code="000000" if app.now() != "000000" else "111111") == "invalid_code"
        assert attempt(container, code=f"{app.now()[:3]} {app.now()[3:]}").email == EMAIL

    @pytest.mark.criterion("identity#code-once")
    def test_a_code_works_once(self, container: Container) -> None:
        app = second_factor_of(container, person(container))
        code = app.now()
        attempt(container, code=code)
        assert refusal(container, code=code) == "invalid_code"

    def test_a_clock_may_be_one_step_off(self, container: Container) -> None:
        app = second_factor_of(container, person(container))
        present = int(time.time())
        assert refusal(container, code=app.at(present - 90)) == "invalid_code"
        assert refusal(container, code=app.at(present + 90)) == "invalid_code"
        attempt(container, code=app.at(present - 30))
        attempt(container, code=app.at(present + 30))

    def test_whoever_knows_the_password_cannot_try_codes_without_end(self, container: Container) -> None:
        app = second_factor_of(container, person(container))
        wrong = next(
            code for code in ("000000", "111111", "222222", "333333") if code not in {app.at(time.time() + n) for n in (-30, 0, 30)}
        )
        for _ in range(10):
            assert refusal(container) == "second_factor_required"  # asking is no try, and forgets none
            assert refusal(container, code=wrong) == "invalid_code"
        assert refusal(container, code=app.now()) == "too_many_attempts"

    @pytest.mark.criterion("identity#code-once")
    def test_a_recovery_code_works_once_in_any_form(self, container: Container) -> None:
        user_id = person(container)
        second_factor_of(container, user_id)
        with container.transactions.begin() as tx:
            codes = second_factor.new_recovery_codes(tx, user_id)
        assert len(set(codes)) == 10
        attempt(container, code=codes[0].upper())
        assert refusal(container, code=codes[0]) == "invalid_code"
        attempt(container, code=codes[1].replace("-", " "))
        assert codes[2].replace("-", "") not in str(execute(container, "SELECT * FROM recovery_codes"))

    def test_one_code_opens_one_of_many_doors(self, container: Container) -> None:
        user_id = person(container)
        second_factor_of(container, user_id)
        with container.transactions.begin() as tx:
            code = second_factor.new_recovery_codes(tx, user_id)[0]
        opened: list[str] = []

        def one() -> None:
            with contextlib.suppress(Unauthenticated):
                opened.append(attempt(container, code=code).id)

        threads = [threading.Thread(target=one) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert opened == [user_id]
