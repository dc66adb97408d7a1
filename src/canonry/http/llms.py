"""The API told to language models, from its own description: `/llms.txt` (what there is) and `/llms-full.txt` (all of it)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from canonry.http.openapi import ABOUT, TAGS, Document, operations

_ONE_LINE = "Self-hosted platform: from a written specification to running software."


def short(document: Document) -> str:
    """Return what there is, one line for each operation, in the form of llmstxt.org."""
    server = document["servers"][0]["url"]
    lines = [f"# {document['info']['title']}", "", f"> {_ONE_LINE}", "", ABOUT.strip(), ""]
    for tag, found in _by_tag(document):
        lines += [f"## {tag}", "", TAGS.get(tag, ""), ""]
        lines += [
            f"- [{operation['summary']}]({server}/reference#/{tag.replace(' ', '%20')}/{operation['operationId']}): `{address}`"
            for address, operation in found
        ] + [""]
    lines += ["## Optional", "", f"- [Everything in one text]({server}/llms-full.txt): parameters, bodies, answers and examples",
              f"- [OpenAPI 3.1]({server}/openapi.json): the same for programs", ""]  # fmt: skip
    return "\n".join(lines)


def full(document: Document) -> str:
    """Return everything: for each operation its parameters, its body, its answers and an example of each."""
    lines = [f"# {document['info']['title']}", "", f"> {_ONE_LINE}", "", ABOUT.strip(), ""]
    for tag, found in _by_tag(document):
        lines += [f"## {tag}", "", TAGS.get(tag, ""), ""]
        for address, operation in found:
            lines += [f"### {address}", "", operation["description"], ""]
            lines += [*_parameters(document, operation), *_body(operation), *_answers(operation)]
    return "\n".join(lines)


def _by_tag(document: Document) -> Iterator[tuple[str, list[tuple[str, Document]]]]:
    every = list(operations(document))
    for tag in TAGS:
        if found := [(address, operation) for address, operation in every if tag in operation["tags"]]:
            yield tag, found


def _parameters(document: Document, operation: Document) -> Iterator[str]:
    for parameter in operation.get("parameters", []):
        one = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
        words = one.get("description") or one.get("schema", {}).get("description", "")
        needed = "required" if one.get("required") else "optional"
        yield f"- `{one['name']}` ({one['in']}, {_kind(one.get('schema', {}))}, {needed}){f': {words}' if words else ''}"
    yield ""


def _body(operation: Document) -> Iterator[str]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield from (f"Body ({kind}):", "", *_code(content.get("example")), "")


def _answers(operation: Document) -> Iterator[str]:
    for status, response in operation["responses"].items():
        yield f"{status}: {response['description']}"
        if status < "400":
            for content in response.get("content", {}).values():
                yield from ("", *_code(content.get("example")), "")
    yield ""


def _code(example: Any) -> list[str]:  # noqa: ANN401 -- JSON
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return ["```", text.rstrip("\n"), "```"]


def _kind(schema: Mapping[str, Any]) -> str:
    kinds = [str(one.get("type")) for one in schema.get("anyOf", []) if one.get("type") not in {None, "null"}]
    return " or ".join(kinds) or str(schema.get("type", "string"))
