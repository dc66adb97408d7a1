"""The description of the API: valid, whole, and the same as what is served."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from canonry.core.access import Permission
from canonry.http.openapi import SECURITY_SCHEMES, TAGS, operations
from tests.contract.rows import rows
from tests.support.api import Api

GROUPS = ("Projects", "Deployments", "Domains", "Environment variables", "Billing", "Databases", "API tokens", "Uploads")
# Which group of Canner's eight an operation of its contract is in; those of billing answer 501 and are not described yet.
GROUP_OF = {"upload": "Uploads", "env": "Environment variables", "domains": "Domains", "tokens": "API tokens", "deploy": "Deployments",
            "deployments": "Deployments", "logs": "Deployments", "metrics": "Deployments", "database": "Databases"}  # fmt: skip


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    answer = api.ask("GET", "/openapi.json", token=None)
    assert answer.status == 200
    parsed: dict[str, Any] = answer.json
    return parsed


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give each kind of body and each kind of answer."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


@pytest.mark.contract("Canner", "OpenAPI document and llms.txt")
def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    errors = [f"{list(error.instance_path)}: {error.message}" for error in OPENAPI_31_VALIDATOR.iter_errors(document)]
    assert errors == []
    for reference in re.findall(r"'\$ref': '#/components/(\w+)/([^']+)'", str(document)):
        assert reference[1] in document["components"][reference[0]]


@pytest.mark.contract("Canner", "OpenAPI document and llms.txt")
def test_the_operations_of_the_contract_are_in_the_eight_groups(document: dict[str, Any]) -> None:
    assert [tag["name"] for tag in document["tags"]][: len(GROUPS)] == list(GROUPS)
    assert all(tag["description"] for tag in document["tags"])
    described = {_plain(address): operation for address, operation in operations(document)}
    wanted = [row for system, row in rows() if system == "Canner" and re.match(r"(GET|POST|PATCH|DELETE) /v1", row)]
    assert len(wanted) >= 30
    for row in wanted:
        words = row.split("/")
        group = next((GROUP_OF[word] for word in reversed(words) if word in GROUP_OF), "Projects")
        assert group in described[_plain(row)]["tags"], row


@pytest.mark.criterion("api#described")
def test_every_operation_says_all_there_is_to_say(document: dict[str, Any]) -> None:
    found = list(operations(document))
    assert len({operation["operationId"] for _, operation in found}) == len(found) >= 60
    for address, operation in found:
        assert operation["summary"], address
        assert operation["description"], address
        assert operation["operationId"].isidentifier()
        assert set(operation["tags"]) <= set(TAGS), address
        assert operation["x-canonry-permission"] in {"public", "signed-in", *Permission}
        schemes = {name for one in operation["security"] for name in one}
        assert schemes <= set(SECURITY_SCHEMES)
        assert (operation["x-canonry-permission"] == "public") == (schemes <= {"signature"}), address
        assert [status for status in operation["responses"] if status < "400"], address
        assert {"429", "500", "503"} <= set(operation["responses"])


def test_no_two_models_have_the_same_name(document: dict[str, Any]) -> None:
    """FastAPI would put the path of its module before each, and generated clients would have one of them only."""
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_under_v1_what_is_not_valid_is_400_and_never_422(document: dict[str, Any]) -> None:
    for address, operation in operations(document):
        if " /v1/" in address:
            assert "400" in operation["responses"], address
            assert "422" not in operation["responses"], address
    assert "HTTPValidationError" not in str(document)


def test_every_error_is_the_envelope_and_every_answer_has_our_headers(document: dict[str, Any]) -> None:
    for address, operation in operations(document):
        for status, response in operation["responses"].items():
            assert {"X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(response["headers"])
            if status >= "400" and "application/json" in response.get("content", {}):
                reference = response["content"]["application/json"]["schema"].get("$ref", "")
                assert reference.endswith("/ErrorEnvelope") or address == "GET /readyz", (address, status)


def test_every_body_and_every_answer_has_an_example_that_fits_its_schema(document: dict[str, Any]) -> None:
    for address, operation in operations(document):
        for content in contents(operation):
            assert "schema" in content, address
            assert "example" in content, address
            schema = {**content["schema"], "components": document["components"], "$schema": "https://json-schema.org/draft/2020-12/schema"}
            errors = [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(content["example"])]
            assert errors == [], (address, content["example"])


def test_what_is_not_available_yet_is_not_described(document: dict[str, Any]) -> None:
    described = set(document["paths"])
    assert described.isdisjoint({"/v1/billing", "/v1/domains/search", "/v1/projects/{project}/cache"})


def _plain(address: str) -> str:
    return re.sub(r"\{\w+\}|:\w+", "{}", address)
