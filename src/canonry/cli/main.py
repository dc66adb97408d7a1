"""The one command, `canonry`: finds the function behind the words, runs it, turns errors into exit codes.

The words are looked up in `commands.py`; a command's module is imported only when it runs.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from canonry.cli.commands import ROOT, Command, Noun
from canonry.cli.errors import BROKEN_PIPE, FAILED, INTERRUPTED, USAGE, exit_code, show
from canonry.core.errors import CanonryError, Invalid

if TYPE_CHECKING:
    from canonry.cli.arguments import Parser


_COMPLETE = Command("canonry.cli.completion:print_candidates", "Print what the last word could become.")


def main() -> NoReturn:
    """Run the command line of this process and end it with the command's exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a name that is no text must not break the output
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _leave_pipe()
    sys.exit(code)


def run(words: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit code. Errors are printed, none comes out."""
    as_json = "--json" in words
    try:
        return _dispatch(words)
    except CanonryError as error:
        show(error, as_json=as_json)
        return exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _leave_pipe()
    except Exception:  # noqa: BLE001 -- the edge: whatever is no error of the tree is a bug, and its trace is what helps to find it
        import traceback

        traceback.print_exc()
        show(CanonryError("bug", "This is a bug in Canonry.", hint="Report it with the lines above."), as_json=as_json)
        return FAILED


def load(path: Sequence[str]) -> "Parser":
    """Return the parser of the command behind the words of `path`: it knows every option and its help."""
    from canonry.cli.arguments import make_parser

    item: Command | Noun = ROOT
    for word in path:
        item = item.commands[word] if isinstance(item, Noun) else item
    if isinstance(item, Noun):
        raise TypeError(f"{' '.join(path)} is not a command.")
    return make_parser(_find_function(item), _program(path))


def _dispatch(words: Sequence[str]) -> int:
    if words and words[0] == "__complete":  # asked by the functions that `canonry completion` prints
        return 1 if _find_function(_COMPLETE)(words[1:]) else 0
    item: Command | Noun = ROOT
    path: list[str] = []
    rest = list(words)
    while isinstance(item, Noun):
        if item.default and (not rest or (rest[0].startswith("-") and rest[0] not in {"--help", "-h"})):
            return _invoke(item.default, path, rest)
        if not rest:
            _print_help(item, path, to_stderr=bool(path))
            return USAGE if path else 0
        word = rest.pop(0)
        if word in {"--help", "-h"}:
            _print_help(item, path)
            return 0
        if word == "--version" and not path:
            from canonry import __version__

            print(f"canonry {__version__}")
            return 0
        if word not in item.commands:
            raise _unknown(item, path, word)
        item = item.commands[word]
        path.append(word)
    return _invoke(item, path, rest)


def _invoke(command: Command, path: Sequence[str], words: Sequence[str]) -> int:
    from canonry.cli.arguments import make_parser, parse

    function = _find_function(command)
    try:
        values = parse(make_parser(function, _program(path)), words)
    except SystemExit:  # argparse leaves when it has printed a help
        return 0
    result = function(**values)
    return result if isinstance(result, int) else 0


def _find_function(command: Command) -> Callable[..., object]:
    from importlib import import_module

    module, _, name = command.target.partition(":")
    function: Callable[..., object] = getattr(import_module(module), name)
    return function


def _program(path: Sequence[str]) -> str:
    return " ".join(("canonry", *path))


def _print_help(noun: Noun, path: Sequence[str], *, to_stderr: bool = False) -> None:
    width = max(len(name) for name in noun.commands)
    lines = [f"usage: {_program(path)} COMMAND [OPTIONS]", "", noun.summary, "", "commands:"]
    lines += [f"  {name:<{width}}  {item.summary}" for name, item in noun.commands.items()]
    lines += ["", "options:", "  -h, --help  Show this list, or the help of a command."]
    if not path:
        lines.append("  --version   Show the version.")
    print("\n".join(lines), file=sys.stderr if to_stderr else sys.stdout)


def _unknown(noun: Noun, path: Sequence[str], word: str) -> Invalid:
    import difflib

    here = _program(path)
    close = difflib.get_close_matches(word, noun.commands, 1)
    hint = f"Did you mean: {here} {close[0]}?" if close else f"{here} --help lists the commands."
    what = "option" if word.startswith("-") else "command"
    return Invalid("usage", f"{here} has no {what} {word!r}.", hint=hint)


def _leave_pipe() -> int:
    # Whoever read our output has gone; Python would complain about that once more when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return BROKEN_PIPE


if __name__ == "__main__":
    main()
