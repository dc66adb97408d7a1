"""The reference for people, and the texts for language models."""

import re

import pytest

from tests.support.api import Api


@pytest.mark.criterion("api#reference-offline")
def test_the_reference_needs_no_outside_host(api: Api) -> None:
    page = api.ask("GET", "/reference", token=None)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    text = page.body.decode()
    assert "http:" not in text
    assert "https:" not in text
    assert "//" not in re.sub(r"<!--.*?-->", "", text)
    needed = re.findall(r'(?:src|href)="?(/reference/[^"> ]+)', text)
    assert len(needed) == 4
    for path in needed:
        file = api.ask("GET", path, token=None)
        assert file.status == 200
        assert file.body
        assert file.headers["cache-control"] == "public, max-age=86400"
        assert file.headers["x-content-type-options"] == "nosniff"
    assert api.ask("GET", "/docs", token=None).headers["location"] == "/reference"


def test_its_files_are_not_counted(api: Api) -> None:
    assert "x-ratelimit-limit" not in api.ask("GET", "/reference/swagger-ui.css", token=None).headers


@pytest.mark.contract("Canner", "OpenAPI document and llms.txt")
def test_language_models_are_told_of_every_operation(api: Api) -> None:
    document = api.ask("GET", "/openapi.json", token=None).json
    short, full = (api.ask("GET", path, token=None) for path in ("/llms.txt", "/llms-full.txt"))
    assert {short.headers["content-type"], full.headers["content-type"]} == {"text/plain; charset=utf-8"}
    lines = short.body.decode().split("\n")
    assert lines[0] == "# Canonry API"
    assert lines[2].startswith("> ")
    assert all(re.fullmatch(r"- \[[^\]]+\]\(http\S+\): .+", line) for line in lines if line.startswith("- "))
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in short.body.decode()
            assert f"### {method.upper()} {path}\n" in full.body.decode()
    assert len(full.body) > 3 * len(short.body)
