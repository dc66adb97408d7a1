"""A plan as JSON and back: the one form that the API answers, the database keeps and an artifact carries."""

from collections.abc import Mapping
from typing import NoReturn, cast

from canonry.core.errors import Invalid, Issue
from canonry.ports.builder import DeclaredVolume, Plan, StaticSite, Toolchain


def plan_to_json(plan: Plan) -> dict[str, object]:
    """Return the plan as values that `json.dumps` takes; every field is there, in the order of the class."""
    return {
        "provider": plan.provider,
        "toolchains": [{"name": tool.name, "version": tool.version, "reason": tool.reason} for tool in plan.toolchains],
        "framework": plan.framework,
        "install": plan.install,
        "build": plan.build,
        "release": plan.release,
        "processes": dict(plan.processes),
        "static": None if plan.static is None else {"root": plan.static.root, "single_page": plan.static.single_page},
        "port": plan.port,
        "root_dir": plan.root_dir,
        "caches": list(plan.caches),
        "variables": dict(plan.variables),
        "health_path": plan.health_path,
        "found": list(plan.found),
        "lockfiles": list(plan.lockfiles),
        "overrides": list(plan.overrides),
        "mask": plan.mask,
        "volumes": [{"name": volume.name, "path": volume.path, "size_bytes": volume.size_bytes} for volume in plan.volumes],
        "database_assert": plan.database_assert,
    }


def plan_from_json(data: Mapping[str, object]) -> Plan:
    """Return the plan that `plan_to_json` wrote; fields that a later Canonry dropped or added are ignored or get their default.

    Raises: Invalid `invalid_plan` naming the field that is missing or of another type.
    """
    reader = _Reader(data)
    static = reader.child("static")
    return Plan(
        provider=reader.text("provider"),
        toolchains=tuple(Toolchain(tool.text("name"), tool.text("version"), tool.text("reason")) for tool in reader.children("toolchains")),
        framework=reader.text_or_none("framework"),
        install=reader.text_or_none("install"),
        build=reader.text_or_none("build"),
        release=reader.text_or_none("release"),
        processes=reader.table("processes"),
        static=None if static is None else StaticSite(static.text("root"), single_page=static.flag("single_page")),
        port=reader.number_or_none("port"),
        root_dir=reader.text("root_dir", "."),
        caches=reader.texts("caches"),
        variables=reader.table("variables"),
        health_path=reader.text("health_path", "/"),
        found=reader.texts("found"),
        lockfiles=reader.texts("lockfiles"),
        overrides=reader.texts("overrides"),
        mask=reader.text_or_none("mask"),
        volumes=tuple(DeclaredVolume(one.text("name"), one.text("path"), one.number("size_bytes")) for one in reader.children("volumes")),
        database_assert=reader.text_or_none("database_assert"),
    )


class _Reader:
    """Reads typed fields out of parsed JSON; `where` is the path to it, for the error."""

    def __init__(self, data: Mapping[str, object], where: str = "plan") -> None:
        self._data = data
        self._where = where

    def text(self, key: str, default: str | None = None) -> str:
        value = self._data.get(key, default)
        return value if isinstance(value, str) else self._refuse(key, "a string")

    def text_or_none(self, key: str) -> str | None:
        return None if self._data.get(key) is None else self.text(key)

    def number_or_none(self, key: str) -> int | None:
        value = self._data.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        return self._refuse(key, "a whole number or null")

    def number(self, key: str) -> int:
        value = self.number_or_none(key)
        return self._refuse(key, "a whole number") if value is None else value

    def flag(self, key: str) -> bool:
        value = self._data.get(key, False)
        return value if isinstance(value, bool) else self._refuse(key, "true or false")

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(cast("list[str]", value))
        return self._refuse(key, "a list of strings")

    def table(self, key: str) -> dict[str, str]:
        value = self._data.get(key, {})
        if isinstance(value, dict) and all(isinstance(name, str) and isinstance(item, str) for name, item in value.items()):
            return dict(cast("dict[str, str]", value))
        return self._refuse(key, "an object of strings")

    def child(self, key: str) -> "_Reader | None":
        value = self._data.get(key)
        if value is None:
            return None
        return _Reader(value, f"{self._where}.{key}") if isinstance(value, dict) else self._refuse(key, "an object or null")

    def children(self, key: str) -> "list[_Reader]":
        value = self._data.get(key, [])
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [_Reader(cast("dict[str, object]", item), f"{self._where}.{key}[{place}]") for place, item in enumerate(value)]
        return self._refuse(key, "a list of objects")

    def _refuse(self, key: str, expected: str) -> NoReturn:
        path = f"{self._where}.{key}"
        raise Invalid(
            "invalid_plan", f"{path} is not {expected}.", hint="Ask for the plan again.", issues=[Issue(path, f"not {expected}", "type")]
        )
