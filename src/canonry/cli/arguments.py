"""A function's signature is its command line: annotated parameters become options and arguments, the docstring becomes the help.

    def scale(instances: Annotated[int, argument("N", help="…")], as_json: Annotated[bool, option("--json", help="…")] = False) -> int

Built on argparse and not on typer, which imports pydantic for its first parameter: 12 ms against 230 ms for every command
(docs/decisions has the record).
"""

import argparse
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args, get_origin, get_type_hints

from canonry.core.errors import Invalid


@dataclass(frozen=True)
class Mark:
    """What a parameter is on the command line.

    flags: `--json`, `-n`, `--follow/--no-follow`; none for a positional argument. rest: it takes every word that is left, as one text.
    """

    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    min: int | None = None
    max: int | None = None
    rest: bool = False


def option(*flags: str, help: str, metavar: str | None = None, min: int | None = None, max: int | None = None) -> Mark:  # noqa: A002
    """Mark a parameter as an option. help: a whole sentence. metavar: the word for its value. min, max: bounds of a number."""
    return Mark(flags, help, metavar, min, max)


def argument(metavar: str, *, help: str, min: int | None = None, max: int | None = None) -> Mark:  # noqa: A002
    """Mark a parameter as a positional argument; it may be left out when the parameter has a default."""
    return Mark((), help, metavar, min, max)


def words(metavar: str, *, help: str) -> Mark:  # noqa: A002
    """Mark a parameter as the text that one or several words make, quoted or not."""
    return Mark((), help, metavar, rest=True)


class Parser(argparse.ArgumentParser):
    """argparse that raises our error instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raise: Invalid `usage`."""
        raise Invalid("usage", f"{self.prog}: {message}.", hint=f"See {self.prog} --help.")


def make_parser(function: Callable[..., object], program: str) -> Parser:
    """Return the parser for a command function. program: the words that call it, for usage and errors.

    Raises: TypeError when a parameter has no mark or a type that no command line can give.
    """
    parser = Parser(program, description=_description(function), allow_abbrev=False, add_help=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, mark = _read(hints[name], name)
        if mark.flags:
            _add_option(parser, name, kind, mark, parameter.default)
        else:
            _add_argument(parser, name, kind, mark, parameter.default)
    parser.add_argument("-h", "--help", action="help", help="Show this help.")
    return parser


def parse(parser: Parser, typed: Sequence[str]) -> dict[str, Any]:
    """Return the values for the function's parameters. Raises: Invalid `usage`."""
    return {name: " ".join(value) if isinstance(value, list) else value for name, value in vars(parser.parse_args(typed)).items()}


def _description(function: Callable[..., object]) -> str:
    import textwrap

    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(paragraph.split()), 100) for paragraph in paragraphs)


def _read(annotation: Any, name: str) -> tuple[type, Mark]:  # noqa: ANN401 -- an annotation may be anything
    if get_origin(annotation) is not Annotated:
        raise TypeError(f"{name} carries no mark.")
    kind, mark = get_args(annotation)[:2]
    kinds = [part for part in get_args(kind) if part is not type(None)]
    kind = kinds[0] if len(kinds) == 1 else kind
    if kind not in {str, int, float, bool, Path}:
        raise TypeError(f"{name} has a type that no command line can give: {kind}.")
    if not isinstance(mark, Mark):
        raise TypeError(f"{name} carries no mark.")
    return kind, mark


def _add_option(parser: Parser, name: str, kind: type, mark: Mark, default: object) -> None:
    flags = [part for flag in mark.flags for part in flag.split("/")]
    if kind is bool:
        off = [flag for flag in flags if flag.startswith("--no-")]
        on = [flag for flag in flags if flag not in off]
        note = f" (default: {on[0] if default else off[0]})" if off and default is not None else ""
        parser.add_argument(*on, dest=name, action="store_true", default=default, help=_escape(mark.help + note))
        if off:
            parser.add_argument(*off, dest=name, action="store_false", default=default, help=f"The opposite of {on[0]}.")
        return
    is_required = default is inspect.Parameter.empty
    note = "" if default is None or is_required else f" (default: {default})"
    parser.add_argument(*flags, dest=name, type=_reader(kind, mark), default=None if is_required else default, required=is_required,
                        metavar=mark.metavar or name.upper(), help=_escape(mark.help + note))  # fmt: skip


def _add_argument(parser: Parser, name: str, kind: type, mark: Mark, default: object) -> None:
    word = mark.metavar or name.upper()
    if mark.rest:
        parser.add_argument(name, nargs="+", metavar=word, help=_escape(mark.help))
    elif default is inspect.Parameter.empty:
        parser.add_argument(name, type=_reader(kind, mark), metavar=word, help=_escape(mark.help))
    else:
        parser.add_argument(name, type=_reader(kind, mark), metavar=word, help=_escape(mark.help), nargs="?", default=default)


def _reader(kind: type, mark: Mark) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            value: Any = kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
        if kind in {int, float} and not (mark.min is None or value >= mark.min):
            raise argparse.ArgumentTypeError(f"{text} is less than {mark.min}")
        if kind in {int, float} and not (mark.max is None or value <= mark.max):
            raise argparse.ArgumentTypeError(f"{text} is more than {mark.max}")
        return value

    return read


def _escape(text: str) -> str:
    return text.replace("%", "%%")
