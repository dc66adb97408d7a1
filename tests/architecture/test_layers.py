"""Who may import whom: the contracts in pyproject.toml, run from the test suite too."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.tree import ROOT


def test_the_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": "src", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_says_what_to_do_when_it_is_broken() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert len(contracts) == 10
    assert [contract["name"] for contract in contracts if not contract.get("broken_contract_guidance")] == []


def test_every_ruff_exception_has_a_reason() -> None:
    section = (ROOT / "pyproject.toml").read_text().partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.flake8")[0]
    listed = [line for line in section.splitlines() if line.strip().startswith('"') and "[" not in line]
    assert [line for line in listed if "#" not in line] == []
