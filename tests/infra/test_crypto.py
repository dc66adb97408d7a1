"""Secrets at rest."""

from pathlib import Path

import pytest

from canonry.core.errors import Unavailable
from canonry.infra.crypto import Vault, load_key

VAULT = Vault(bytes(32))


def test_what_was_sealed_opens_with_the_same_words_only() -> None:
    sealed = VAULT.seal("pässword", bound="variables prj_1 production KEY")
    assert VAULT.open(sealed, bound="variables prj_1 production KEY").reveal() == "pässword"
    with pytest.raises(Unavailable, match="cannot be read"):
        VAULT.open(sealed, bound="variables prj_2 production KEY")


@pytest.mark.parametrize("damaged", [b"", b"\x01", b"\x02" + bytes(40), b"\x01" + bytes(40)])
def test_bytes_that_are_no_seal_are_an_error_of_the_tree(damaged: bytes) -> None:
    with pytest.raises(Unavailable, match="another key"):
        VAULT.open(damaged, bound="x")


def test_one_changed_bit_is_noticed() -> None:
    sealed = bytearray(VAULT.seal("value", bound="x"))
    sealed[-1] ^= 1
    with pytest.raises(Unavailable):
        VAULT.open(bytes(sealed), bound="x")


def test_the_same_value_never_looks_the_same_twice() -> None:
    assert VAULT.seal("value", bound="x") != VAULT.seal("value", bound="x")


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert len({VAULT.key_for("cursors"), VAULT.key_for("csrf"), Vault(b"1" * 32).key_for("csrf"), bytes(32)}) == 4


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = load_key(path)
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.key"]


def test_a_damaged_key_is_refused_instead_of_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(b"short")
    with pytest.raises(Unavailable, match=r"secret\.key"):
        load_key(path)
    assert path.read_bytes() == b"short"
