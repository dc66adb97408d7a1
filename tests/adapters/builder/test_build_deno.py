"""Deno programs: planned, built and started as a deploy would."""

import socket
from pathlib import Path

from canonry.adapters.builder.native.plan import plan_source
from canonry.ports.builder import PlanSettings
from tests.support.builds import Workshop, run_in

PROGRAM = """
Deno.serve(() => new Response("hello from deno"));
const answer = await fetch(`http://127.0.0.1:${Deno.env.get("PORT")}/`);
console.log("answered:", await answer.text());
Deno.exit();
"""


def test_a_program_that_knows_no_port_listens_where_the_instance_is_asked(workshop: Workshop, tmp_path: Path) -> None:
    files = {"deno.json": "{}", "main.ts": PROGRAM}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    plan = plan_source(tmp_path, PlanSettings())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "answered: hello from deno" in run_in(workshop.build(plan, files), f"export PORT={port}; {plan.processes['web']}")
