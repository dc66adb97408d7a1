"""What the Tab key offers, asked as the shells ask, and in a real bash."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from canonry.cli.commands import ROOT, all_commands
from tests.cli.test_commands import HEAVY, OURS, imported, is_inside
from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli


def offered(canonry: RunCli, *words: str) -> list[str]:
    done = canonry("__complete", *words)
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def test_nouns_and_commands_are_offered_with_what_they_do(canonry: RunCli) -> None:
    assert offered(canonry, "") == list(ROOT.commands)
    assert set(offered(canonry, "pr")) == {name for name in ROOT.commands if name.startswith("pr")}
    assert "create" in offered(canonry, "projects", "")
    assert offered(canonry, "projects", "cr") == ["create"]
    assert canonry("__complete", "projects", "cr").stdout == "create\tMake an empty project.\n"


def test_options_of_a_command_are_offered_but_not_twice(canonry: RunCli) -> None:
    assert {"--project", "--json", "--since", "--follow"} <= set(offered(canonry, "activity", "--"))
    assert offered(canonry, "activity", "--js") == ["--json"]
    assert "--json" not in offered(canonry, "activity", "--json", "--")


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("words", "expected"),
    [(("projects", "info", ""), ["bakery", "shop"]), (("projects", "info", "sh"), ["shop"]), (("activity", "--project", "b"), ["bakery"]),
     (("activity", "-p", ""), ["bakery", "shop"]), (("activity", "--project=sh"), ["--project=shop"]),
     (("activity", "--project", "=", "sh"), ["shop"]), (("activity", "--project", "="), ["bakery", "shop"]),
     (("projects", "create", "New", "--slug", ""), []), (("projects", "info", "shop", ""), []), (("activity", "--since", ""), [])],
)  # fmt: skip
def test_slugs_are_offered_where_a_project_is_wanted(
    canonry: RunCli, server: ApiServer, words: tuple[str, ...], expected: list[str]
) -> None:
    for slug in ("bakery", "shop"):
        server.add_project(slug)
    assert offered(canonry, *words) == expected


@pytest.mark.usefixtures("signed_in")
def test_the_server_is_asked_once_in_a_while_and_its_silence_is_no_error(
    canonry: RunCli, server: ApiServer, environment: dict[str, str]
) -> None:
    server.add_project("shop")
    for _ in range(3):
        assert offered(canonry, "projects", "info", "") == ["shop"]
    assert len(server.asked("GET", "/v1/projects")) == 1
    kept = Path(environment["CANONRY_CONFIG"]) / "completion.json"
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps({**document, "at": time.time() - 60}))
    server.refusals["/v1/projects"] = (503, {"error": "x", "message": "x"})
    assert offered(canonry, "projects", "info", "") == ["shop"]
    kept.write_text("{ half")
    assert offered(canonry, "projects", "info", "") == []


def test_nobody_signed_in_and_unknown_words_offer_nothing(canonry: RunCli) -> None:
    assert offered(canonry, "projects", "info", "") == []
    assert offered(canonry, "nonsense", "") == []
    assert offered(canonry, "completion", "z") == ["zsh"]
    assert offered(canonry, "deploy", "") == []  # the shell itself offers files then


def test_every_command_can_be_completed(canonry: RunCli) -> None:
    for path, _ in all_commands()[::6]:  # a process each
        assert "--help" in offered(canonry, *path, "--h")


def test_it_imports_nothing_heavy(environment: dict[str, str]) -> None:
    modules = imported(environment, "__complete", "activity", "--")
    assert not [module for module in modules if is_inside(module, HEAVY + OURS)]
    assert "canonry.cli.completion" not in imported(environment, "--version")


def test_in_a_real_bash(canonry: RunCli, environment: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "bin" / "canonry"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m canonry.cli.main "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "completion.bash"
    script.write_text(canonry("completion", "bash").stdout)
    ask = f'. "{script}"; COMP_WORDS=(canonry projects st); COMP_CWORD=2; _canonry; printf "%s\\n" "${{COMPREPLY[@]}}"; complete -p canonry'
    path = f"{program.parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", ask], env=environment | {"PATH": path}, capture_output=True, text=True, timeout=60, check=True
    )
    *found, registered = done.stdout.splitlines()
    assert set(found) == {"stop", "start"}
    assert registered == "complete -o default -F _canonry canonry"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_asks_for_candidates_and_says_where_it_belongs(canonry: RunCli, shell: str) -> None:
    text = canonry("completion", shell).stdout
    assert "__complete" in text
    assert f"canonry completion {shell}" in text
    assert canonry("completion", "csh").returncode == 2
