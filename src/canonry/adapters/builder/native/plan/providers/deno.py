"""Deno: the `start` task of deno.json, else the file that is usually the program."""

import json
import re

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.problems import invalid_config, unknown_source
from canonry.adapters.builder.native.plan.shell import ADDRESS, quote
from canonry.adapters.builder.native.plan.tree import SourceTree, Table, table, text_or_none
from canonry.adapters.builder.native.plan.versions import choose_other
from canonry.ports.builder import Plan

_CONFIGS = ("deno.json", "deno.jsonc")
_PROGRAMS = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/")
    for name in ("main", "server", "mod", "index", "app")
    for suffix in ("ts", "tsx", "js")
)
_DENO_DIR = ".deno"
# Deno.serve() and `deno serve` do not read $PORT and take 8000; this variable says where, whatever the program says.
_LISTEN = f'DENO_SERVE_ADDRESS="tcp:{ADDRESS.strip('"')}:$PORT"'
_JSONC = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)


def plan_deno(context: Context) -> Plan | None:
    """Plan a Deno program; None without deno.json, deno.jsonc or deno.lock, or when package.json has the scripts."""
    app = context.app
    config = app.first_file(*_CONFIGS)
    manifest = config or app.first_file("deno.lock")
    forced = context.wishes.provider == "deno"
    if not forced and (manifest is None or _node_is_meant(app)):
        return None
    tasks = table(_read_config(app, config).get("tasks")) if config else {}
    program = app.first_file(*_PROGRAMS)
    start = context.wishes.start or _start(tasks, program)
    if start is None:
        remedy = 'Add a "start" task to deno.json, or say it in canonry.toml: [run] start = "deno run -A main.ts".'
        raise unknown_source(app.names(), f"{manifest or 'A Deno program'} is there, but no start task and no main file.", remedy)
    cached = f" --entrypoint {quote(program)}" if program else ""
    return Plan(
        "deno",
        root_dir=app.prefix,
        framework="fresh" if "fresh" in app.glance(config or "") else None,
        toolchains=(choose_other("deno", None, context.version_folders, context.pins),),
        install=f"deno install{cached}",
        build="deno task build" if "build" in tasks else None,
        processes={"web": start},
        variables={"DENO_DIR": f"/app/{_DENO_DIR}", "DENO_NO_UPDATE_CHECK": "1"},
        found=tuple(name for name in (manifest, program) if name),
    )


def _node_is_meant(app: SourceTree) -> bool:
    scripts = table(app.json("package.json").get("scripts"))
    return "start" in scripts or "build" in scripts


def _start(tasks: Table, program: str | None) -> str | None:
    if text_or_none(tasks.get("start")) or table(tasks.get("start")):
        return f"{_LISTEN} exec deno task start"
    return f"{_LISTEN} exec deno run -A {quote(program)}" if program else None


def _read_config(app: SourceTree, path: str) -> Table:
    if path.endswith(".json") and "//" not in app.glance(path) and "/*" not in app.glance(path):
        return app.json(path)
    plain = _JSONC.sub(lambda found: found[0] if found[0].startswith('"') else " ", app.text(path))
    try:
        return table(json.loads(plain))
    except (ValueError, RecursionError) as error:
        raise invalid_config(app.shown(path), f"is not JSON with comments: {error}", "Correct that place.") from error
