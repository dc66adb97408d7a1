"""`canonry metrics` and `canonry drains`."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.cli.sparkline import sparkline
from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")
_START = datetime(2026, 11, 25, 12, tzinfo=UTC)
_FIGURES: dict[str, Any] = {
    "cpu_pct": 12.5, "cpuPct": 12.5, "mem_bytes": 64 << 20, "mem_max_bytes": 70 << 20, "mem_limit_bytes": 512 << 20, "memPct": 12.5,
    "instances": 1.0, "requests": 1234, "rps": 0.34, "status_2xx": 1200, "status_3xx": 4, "status_4xx": 20, "status_5xx": 10,
    "p50_ms": 2.5, "p95_ms": 1250.0, "p99_ms": None,
}  # fmt: skip
METRICS: dict[str, Any] = {
    "environment": "production", "window_seconds": 600, "step_seconds": 60, "start": _START.isoformat(),
    "end": (_START + timedelta(minutes=10, seconds=5)).isoformat(), "total": _FIGURES,
    "samples": [{**_FIGURES, "at": (_START + timedelta(minutes=minute)).isoformat(), "requests": minute} for minute in (0, 1, 5, 10)],
}  # fmt: skip
DRAIN: dict[str, Any] = {
    "id": "drn_0123456789abcdef", "kind": "http", "target": "https://logs.example.com/…", "environment": None, "format": "ndjson",
    "gzip": False, "status": "failing", "sent_lines": 7, "lag_bytes": 42, "last_sent_at": None, "last_error": "The collector answered 500.",
    "last_error_at": None, "next_try_at": None, "has_authorization": True, "created_at": _START.isoformat(),
}  # fmt: skip


@pytest.fixture(autouse=True)
def answers(server: ApiServer) -> None:
    server.refusals["/v1/projects/shop/metrics"] = (200, METRICS)
    server.refusals["/v1/projects/shop/drains"] = (200, {"drains": [DRAIN], "drain": DRAIN})
    server.refusals[f"/v1/projects/shop/drains/{DRAIN['id']}"] = (204, {})


def test_metrics_are_shown_with_their_course(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("metrics", "shop", "--window", "10m", "-e", "production", PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line[:12].strip(): line[12:] for line in done.stdout.splitlines()}
    assert lines["requests"].split(maxsplit=1) == ["1,234", "▁▂   ▅    █"]
    assert lines["answered p50"].split()[:2] == ["2.5", "ms"]
    assert lines["p95"].split()[:2] == ["1.25", "s"]
    assert lines["p99"].split()[0] == "-"
    assert lines["memory"].split()[:4] == ["64", "MiB", "(12", "%)"]
    assert server.requests[-1].query == {"window": "10m", "environment": "production"}


def test_a_terminal_without_unicode_gets_plain_bars(canonry: RunCli) -> None:
    done = canonry("metrics", "shop", PYTHONIOENCODING="ascii")
    assert done.stdout.isascii()
    assert "_.   +    #" in done.stdout


def test_metrics_as_json_are_what_the_api_says(canonry: RunCli) -> None:
    assert json.loads(canonry("metrics", "shop", "--json").stdout) == METRICS
    assert json.loads(canonry("metrics", "--project", "shop", "--json").stdout) == METRICS  # as the other commands are told


def test_nothing_to_show_is_said(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/projects/shop/metrics"] = (200, {**METRICS, "samples": []})
    assert "Nothing ran and nobody came" in canonry("metrics", "shop").stdout


def test_watching_and_json_exclude_each_other(canonry: RunCli) -> None:
    assert canonry("metrics", "shop", "--watch", "--json").returncode == 2


def test_drains_are_listed_with_their_errors(canonry: RunCli) -> None:
    lines = canonry("drains", "ls", "--project", "shop").stdout.splitlines()
    assert lines[1].split()[:3] == [DRAIN["id"], DRAIN["target"], "all"]
    assert lines[1].endswith("The collector answered 500.")
    assert json.loads(canonry("drains", "ls", "--project", "shop", "--json").stdout) == [DRAIN]


def test_a_token_comes_from_standard_input_and_is_not_shown(canonry: RunCli, server: ApiServer) -> None:
    done = canonry(
        "drains", "add", "https://logs.example.com/x", "--token", "--gzip", "--format", "json", "--project", "shop", stdin="s3cret\n"
    )
    assert done.returncode == 0, done.stderr
    assert server.requests[-1].document == {
        "kind": "http", "url": "https://logs.example.com/x", "gzip": True, "format": "json", "token": "s3cret",
    }  # fmt: skip
    assert "s3cret" not in done.stdout + done.stderr


def test_a_syslog_drain_takes_a_certificate_from_a_file(canonry: RunCli, server: ApiServer, app: Any) -> None:  # noqa: ANN401 -- a folder
    (app / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    assert (
        canonry("drains", "add", "tls://logs.example.com:6514", "--ca", "ca.pem", "-e", "production", "--project", "shop").returncode == 0
    )
    assert server.requests[-1].document == {
        "kind": "syslog", "url": "tls://logs.example.com:6514", "environment": "production", "ca": "-----BEGIN CERTIFICATE-----\n",
    }  # fmt: skip
    missing = canonry("drains", "add", "tls://x.example.com", "--ca", "none.pem", "--project", "shop")
    assert (missing.returncode, "none.pem" in missing.stderr) == (4, True)


@pytest.mark.parametrize("url", ["ftp://x.example.com", "logs.example.com", ""])
def test_an_address_of_neither_kind_is_refused_at_once(canonry: RunCli, server: ApiServer, url: str) -> None:
    done = canonry("drains", "add", url, "--project", "shop")
    assert (done.returncode, "tls://" in done.stderr, server.requests) == (2, True, [])


def test_a_drain_is_removed(canonry: RunCli, server: ApiServer) -> None:
    assert canonry("drains", "rm", str(DRAIN["id"]), "--project", "shop").returncode == 0
    assert server.requests[-1].method == "DELETE"


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e12)), max_size=500), st.booleans())
def test_a_sparkline_has_one_character_for_each_value_and_at_most_so_many(values: list[float | None], plain: bool) -> None:
    line = sparkline(values, width=60, plain=plain)
    assert len(line) == min(len(values), 60)
    known = [value for value in values if value is not None]
    assert line.isascii() or not plain
    if known and max(known) > 0:
        assert line.count("#" if plain else "█") >= 1
