"""The proxy's table: what Canonry writes is what the proxy reads."""

from pathlib import Path

import pytest

from canonry.adapters.clusters.proxy import table


@pytest.mark.parametrize("entry", [
    table.Entry("db_1", table.OPEN, "/a home/run/.s.PGSQL.5432"),
    table.Entry("db_2", table.ASLEEP, "/x", public=True, certificate="/a b/certificate.pem", key="/a b/key.pem"),
])  # fmt: skip
def test_an_entry_is_read_as_it_was_written(entry: table.Entry) -> None:
    read = table.parse(entry.text())
    assert read is not None
    assert all(getattr(read, name) == getattr(entry, name) for name in table.Entry.__slots__)


@pytest.mark.parametrize("text", ["", "cluster db_1\nstate open\n", "cluster db_1\nstate dancing\nsocket /x\n", "\0"])
def test_what_is_no_entry_is_none(text: str) -> None:
    assert table.parse(text) is None


def test_only_ports_are_read(tmp_path: Path) -> None:
    entry = table.Entry("db_1", table.OPEN, "/x")
    for name in ("15000", ".15001.tmp", "70000", "0", "x", "²"):
        (tmp_path / name).write_text(entry.text())
    assert list(table.read(str(tmp_path))) == [15000]
    assert table.read(str(tmp_path / "none")) == {}
