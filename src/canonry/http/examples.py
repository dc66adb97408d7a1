"""Examples of bodies and answers, made from their schemas: no operation is without one, and none can differ from what it shows."""

from collections.abc import Mapping
from typing import Any

type Schema = Mapping[str, Any]

_NOW = "2026-11-25T12:00:00+00:00"

# What a field of this name usually holds. A model's own `examples` win; where the schema allows no such value, it is passed over.
_BY_NAME: dict[str, Any] = {
    "id": "prj_19ab34cd56ef7081", "name": "Shop", "slug": "shop", "handle": "acme", "email": "ada@example.com",
    "url": "https://shop.example.com", "repo_url": "https://git.example.com/acme/shop.git", "repo": "acme/shop", "repo_branch": "main",
    "branch": "main", "ref": "main", "git_url": "https://canonry.example.com/git/acme/shop.git", "build_command": "npm run build",
    "install_command": "npm ci", "start_command": "node server.js", "output_dir": "dist", "root_dir": "web", "health_path": "/healthz",
    "node_version": "22", "python_version": "3.12", "environment": "production", "key": "LOG_LEVEL", "value": "info",
    "process": "web", "memory_mb": 512, "instances": 2, "index": 0, "cpu": 0.5, "hostname": "www.example.com", "domain": "www.example.com",
    "commit": "9fceb02d0ae598e95dc970b74767f19372d61af8", "commit_message": "Sell shoes", "trigger": "upload", "next_cursor": None,
    "message": "There is no project 'shop'.", "error": None, "hint": None, "issues": None, "request_id": "req_a1b2c3d4e5f6",
    "code": "pattern", "path": "body.slug", "since": "10m", "limit": 50, "role": "owner",
    "address": "192.0.2.7", "credential": "token tok_19ab34cd56ef7081",
    "token": "cnr_0123456789abcdef0123456789abcdef0123456789abcdef", "prefix": "cnr_012345", "text": "listening on 3000",
    "size": "s", "user_code": "BDFG-HJKM", "password": "correct horse battery staple", "vars": {"LOG_LEVEL": "info"}, "plan": {},
}  # fmt: skip
_BY_FORMAT = {
    "date-time": _NOW,
    "uri": "https://example.com",
    "email": "ada@example.com",
    "binary": "",
    "uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
}
_STATUSES = {"project": "running", "deployment": "live", "instance": "healthy"}
_DEPTH = 8


def example_of(schema: Schema, components: Mapping[str, Schema], *, name: str = "", depth: int = 0) -> Any:  # noqa: ANN401 -- JSON
    """Return a value that fits the schema."""
    if "$ref" in schema:
        name = name or schema["$ref"].rpartition("/")[2]
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, name=name, depth=depth)
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    if (known := _known(schema, name)) is not None:
        return known
    if schema.get("default") is not None:
        return schema["default"]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _of_several(schema[several], components, name, depth)
    return _of_type(schema, components, name, depth)


def _known(schema: Schema, name: str) -> Any:  # noqa: ANN401 -- JSON
    """Return what a field of this name usually holds, None when there is nothing or it does not fit."""
    if name not in _BY_NAME or _BY_NAME[name] is None:
        return None
    kinds = {schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))}
    fits = {str: "string", int: "integer", float: "number", dict: "object"}[type(_BY_NAME[name])] in kinds
    return _BY_NAME[name] if fits else None


def _of_several(schemas: list[Schema], components: Mapping[str, Schema], name: str, depth: int) -> Any:  # noqa: ANN401 -- JSON
    if name in _BY_NAME and _BY_NAME[name] is None and {"type": "null"} in schemas:
        return None
    first = next((one for one in schemas if one.get("type") != "null"), schemas[0])
    return example_of(first, components, name=name, depth=depth)


def _of_type(schema: Schema, components: Mapping[str, Schema], name: str, depth: int) -> Any:  # noqa: ANN401 -- JSON
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        if depth > _DEPTH:
            return {}
        properties = schema.get("properties", {})
        return {key: example_of(one, components, name=key, depth=depth + 1) for key, one in properties.items()}
    if kind == "array":
        items = schema.get("items", {})
        fewest = max(1, schema.get("minItems", 1)) if depth < _DEPTH else 0
        return [example_of(items, components, name=name.removesuffix("s"), depth=depth + 1)] * fewest
    if kind in {"integer", "number"}:
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + (1 if "exclusiveMinimum" in schema else 0))
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    return _text(schema, name)


def _text(schema: Schema, name: str) -> str:
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    if name.endswith(("_at", "At")) or name in {"at", "ts", "start", "end"}:
        return _NOW
    text = name.replace("_", " ") or "text"
    return text[: schema["maxLength"]] if "maxLength" in schema else text.ljust(schema.get("minLength", 0), "x")
