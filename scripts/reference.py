"""Writes docs/reference/*.md from the code, so that they cannot say anything else than it does. `--check` only compares.

settings: from core/settings.py. errors: every place that raises one of the tree, found in the source. cli: from the commands' signatures.
"""

import argparse
import ast
import dataclasses
import functools
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the code. Do not edit. -->\n"
WIDTH = 100


def main(arguments: list[str]) -> int:
    """Write every page, or with --check say which ones differ. Returns the exit code."""
    different = [name for name, text in pages().items() if not _is(REFERENCE / name, text)]
    if "--check" in arguments:
        print("\n".join(f"docs/reference/{name} is not what the code says; run `make docs`." for name in different))
        return 1 if different else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name in different:
        (REFERENCE / name).write_text(pages()[name])
        print(f"wrote docs/reference/{name}")
    return 0


def pages() -> dict[str, str]:
    """Return file name → text of every page."""
    return {"settings.md": settings_page(), "errors.md": errors_page(), "cli.md": cli_page()}


def settings_page() -> str:
    """Describe every variable that Canonry reads."""
    from canonry.core import settings

    lines = ["# Settings", "", NOTE, ("Read once at the start, from the environment. A flag of a command wins over its variable. "
             "A wrong value stops the start with an error that names the variable."), ""]  # fmt: skip
    for title, kind in (("On the machine that runs Canonry", settings.Settings), ("In a terminal", settings.ClientSettings)):
        lines += [f"## {title}", "", "| variable | default | range | what it is |", "|---|---|---|---|"]
        for item in dataclasses.fields(kind):
            low, high = settings._RANGES.get(item.name, (None, None)) if kind is settings.Settings else (None, None)  # noqa: SLF001
            bounds = "" if low is None else f"{low} to {high}"
            lines.append(f"| `CANONRY_{item.name.upper()}` | {_default(item.default)} | {bounds} | {_cell(item.metadata['help'])} |")
        lines.append("")
    lines += [("`CANONRY_CONFIG` names the folder of a user's own files (credentials); without it `$XDG_CONFIG_HOME/canonry`, "
              "else `~/.config/canonry`."), ""]  # fmt: skip
    return "\n".join(lines)


def errors_page() -> str:
    """Describe every error code: what kind it is, what it becomes outside, what it says."""
    from canonry.cli.errors import EXIT_CODES, OWN_EXIT_CODES
    from canonry.http.errors import STATUS

    statuses = {kind.__name__: status for kind, status in STATUS.items()}
    exits = {kind.__name__: code for kind, code in EXIT_CODES.items()}
    lines = ["# Errors", "", NOTE, ("Every error has a stable `code`, a message (what happened, where) and mostly a hint (what next). "
             "Over HTTP it is `{error, message, request_id, hint?, issues?}`. In a message, … stands for a value."), ""]  # fmt: skip
    for kind, codes in sorted(_errors().items()):
        outside = f"HTTP {statuses[kind]}, exit code {exits.get(kind, 1)}" if kind in statuses else "exit code 1"
        lines += [f"## {kind}", "", f"{outside}.", "", "| code | message | hint |", "|---|---|---|"]
        for code, said in sorted(codes.items()):
            own = f" (exit code {OWN_EXIT_CODES[code]})" if code in OWN_EXIT_CODES else ""
            message = "<br>".join(dict.fromkeys(_cell(message) for message, _ in said if message)) or "none"
            hint = "<br>".join(dict.fromkeys(_cell(hint) for _, hint in said if hint)) or "none"
            lines.append(f"| `{code}`{own} | {message} | {hint} |")
        lines.append("")
    return "\n".join(lines)


def cli_page() -> str:
    """Describe every command with its options."""
    from canonry.cli.commands import all_commands
    from canonry.cli.main import load

    lines = [
        "# Commands",
        "",
        NOTE,
        "Remote commands speak the HTTP API and run anywhere; the last group runs on Canonry's own machine.",
        "Data goes to stdout, everything said about it to stderr; with `--json` an error is one JSON document on stderr.",
        "",
        *_exit_codes(),
    ]
    for path, command in all_commands():
        parser = load(path)
        usage = " ".join(_usage(action) for action in parser._actions if action.dest != "help")  # noqa: SLF001 -- argparse has no other way
        lines += [f"## canonry {' '.join(path)}", "", command.summary, "", "```", f"canonry {' '.join(path)} {usage}".rstrip(), "```", ""]
        lines += [f"{paragraph}\n" for paragraph in (parser.description or "").replace("\n\n", "\0").replace("\n", " ").split("\0")[1:]]
        options = [action for action in parser._actions if action.dest != "help"]  # noqa: SLF001 -- likewise
        if options:
            lines += ["| option | what it does |", "|---|---|"]
            lines += [f"| `{_cell(_names(action))}` | {_cell((action.help or '').replace('%%', '%'))} |" for action in options]
            lines.append("")
    return "\n".join(lines)


def _exit_codes() -> list[str]:
    from canonry.cli import errors

    rows: dict[int, list[str]] = {
        0: ["It is done."], errors.FAILED: ["A deployment failed, or a bug in Canonry."], errors.USAGE: ["A wrong word, option or value."],
        errors.CANCELLED: ["The deployment that was followed was cancelled."], errors.SUPERSEDED: ["A newer deployment took its place."],
        errors.INTERRUPTED: ["Interrupted (Ctrl-C)."], errors.BROKEN_PIPE: ["Nobody read the output any more."],
    }  # fmt: skip
    for kind, code in errors.EXIT_CODES.items():
        rows.setdefault(code, []).append(f"{kind.__name__}: {(kind.__doc__ or '').partition(chr(10))[0]}")
    for name, code in errors.OWN_EXIT_CODES.items():
        rows[code] = [f"`{name}`"]
    lines = ["## Exit codes", "", "Scripts may rely on them. The kinds of errors are those of [the list of errors](errors.md).", "",
             "| code | what it means |", "|--:|---|"]  # fmt: skip
    return [*lines, *(f"| {code} | {_cell(' '.join(said))} |" for code, said in sorted(rows.items())), ""]


def _errors() -> dict[str, dict[str, list[tuple[str, str]]]]:
    found: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (kind := _kind(node)) and (code := _text(node, 0, "code")) and "…" not in code:
                found[kind][code].append((_text(node, 1, "message"), _text(node, None, "hint")))
    return found


def _kind(call: ast.Call) -> str | None:
    name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return name if name in _tree() else None


@functools.cache
def _tree() -> frozenset[str]:
    """Return the names of CanonryError and of every class below it, found without importing what may not import."""
    bases: dict[str, set[str]] = {}
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    tree = {"CanonryError"}
    while more := {name for name, above in bases.items() if above & tree} - tree:
        tree |= more
    return frozenset(tree)


def _text(call: ast.Call, position: int | None, name: str) -> str:
    node = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    if node is None and position is not None and len(call.args) > position:
        node = call.args[position]
    return "" if node is None else _plain(node)


def _plain(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_plain(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _plain(node.left) + _plain(node.right)
    return "…"


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"[{action.metavar}]" if action.nargs == "?" else str(action.metavar)
    inner = action.option_strings[0] + ("" if action.nargs == 0 else f" {action.metavar}")
    return inner if action.required else f"[{inner}]"


def _names(action: argparse.Action) -> str:
    return (
        ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {action.metavar}")
        if action.option_strings
        else str(action.metavar)
    )


def _default(value: object) -> str:
    return "none" if value is None else f"`{int(value) if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("&lt;br>", "<br>")


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
