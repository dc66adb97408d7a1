"""The order in which providers are asked, and the front function."""

from collections.abc import Callable
from pathlib import Path

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.problems import unknown_source
from canonry.adapters.builder.native.plan.providers.deno import plan_deno
from canonry.adapters.builder.native.plan.providers.go import plan_go
from canonry.adapters.builder.native.plan.providers.node import plan_node
from canonry.adapters.builder.native.plan.providers.python import plan_python
from canonry.adapters.builder.native.plan.providers.shell import plan_shell
from canonry.adapters.builder.native.plan.providers.static import plan_static
from canonry.adapters.builder.native.plan.tree import SourceTree
from canonry.adapters.builder.native.plan.wishes import apply_wishes, gather_wishes, locate_root
from canonry.ports.builder import Plan, PlanSettings

_PROVIDERS: dict[str, Callable[[Context], Plan | None]] = {
    "go": plan_go,
    "deno": plan_deno,
    "python": plan_python,
    "node": plan_node,
    "static": plan_static,
    "shell": plan_shell,
}
"""In the order they are asked. Each answers None for a source that is not its own."""

_ELSEWHERE = {
    "Dockerfile": "a Dockerfile",
    "docker-compose.yml": "a compose file",
    "compose.yaml": "a compose file",
    "Gemfile": "Ruby",
    "composer.json": "PHP",
    "Cargo.toml": "Rust",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "mix.exs": "Elixir",
    "environment.yml": "a conda environment",
}


def plan_source(source: Path, settings: PlanSettings) -> Plan:
    """Say what a deploy of the tree at `source` would do. Reads files only: no write, no process, no network, no link followed outside.

    Raises: Invalid `unknown_source` (what was found, what would work), Invalid `invalid_config` (file, key, remedy).
    """
    whole = SourceTree(source)
    app = locate_root(whole, settings)
    wishes = gather_wishes(whole, app, settings)
    context = Context(whole, app, wishes, settings.pins)
    return apply_wishes(_detect(context), wishes, app)


def _detect(context: Context) -> Plan:
    wishes = context.wishes
    asked = [wishes.provider] if wishes.provider else list(_PROVIDERS)
    for name in asked:
        plan = _PROVIDERS[name](context)
        if plan is not None:
            return plan
    if wishes.start or wishes.output or wishes.processes:
        said = f"nothing but {', '.join(wishes.overrides)}"
        return Plan(wishes.provider or ("static" if wishes.output else "shell"), root_dir=context.app.prefix, found=(said,))
    raise _unknown(context)


def _unknown(context: Context) -> Exception:
    names = context.app.names()
    if context.wishes.provider:
        place, provider = context.wishes.provider_place, context.wishes.provider
        problem = f"{place} is {provider}, but the source has nothing that this provider could run."
        return unknown_source(names, problem, "Take that out, or say with [run] start in canonry.toml what is to run.")
    for name in names:
        if name in _ELSEWHERE:
            problem = f"{name} is {_ELSEWHERE[name]}, which Canonry does not build yet."
            remedy = (
                "Add what Canonry builds (Python, Node, Deno, Go, index.html, start.sh), or a canonry.toml with [build] and [run] start."
            )
            return unknown_source(names, problem, remedy)
    return unknown_source(names)
