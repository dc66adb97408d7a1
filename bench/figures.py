"""The figures that the measuring programs give, and the one table they are printed in."""

import argparse
import dataclasses
import json
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

_HEAD = ("figure", "p50", "p95", "target", "met", "how often")


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    value: the median, or the one value there is; high: the 95th percentile, when there were several. target and high_target: what they
    may be at most (at least, with `at_least`); None means that nothing is asked. count: how many measurements, as words.
    """

    name: str
    unit: str
    value: float
    target: float | None = None
    high: float | None = None
    high_target: float | None = None
    at_least: bool = False
    count: str = ""

    @property
    def is_met(self) -> bool:
        """Both targets are kept."""
        return self._keeps(self.value, self.target) and self._keeps(self.high, self.high_target)

    def _keeps(self, value: float | None, target: float | None) -> bool:
        if value is None or target is None:
            return True
        return value >= target if self.at_least else value <= target


def figure_of(name: str, seconds: Sequence[float], *, target: float | None = None, high_target: float | None = None) -> Figure:
    """Return the figure of several times (seconds), in milliseconds; the targets are milliseconds, too."""
    times = sorted(second * 1000 for second in seconds)
    return Figure(name, "ms", statistics.median(times), target, percentile(times, 95), high_target, count=f"{len(times)} times")


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of all do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * int(percent) // 100) - 1)]


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table of text."""
    rows = [_HEAD, *[_row(figure) for figure in figures]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join("  ".join(_placed(cell, widths[column], column) for column, cell in enumerate(row)).rstrip() for row in rows)


def report(measure: Callable[[argparse.Namespace], Iterator[Figure]], parser: argparse.ArgumentParser) -> None:
    """Read the command line, measure, print the table; with `--json` a JSON line per figure, as it comes."""
    parser.add_argument("--json", action="store_true", help="print a JSON line per figure")
    chosen = parser.parse_args()
    found = []
    for figure in measure(chosen):
        found.append(figure)
        if chosen.json:
            print(json.dumps(dataclasses.asdict(figure)), flush=True)
    if not chosen.json:
        print(table(found))


def say(text: str) -> None:
    """Tell who waits what is going on."""
    print(text, file=sys.stderr, flush=True)


def _row(figure: Figure) -> tuple[str, ...]:
    sign = "≥" if figure.at_least else "≤"
    targets = [f"{sign} {_number(target)}" for target in (figure.target, figure.high_target) if target is not None]
    if figure.target is None and figure.high_target is not None:
        targets = [f"p95 {targets[0]}"]
    met = "" if not targets else "yes" if figure.is_met else "NO"
    value, high = ("" if number is None else f"{_number(number)} {figure.unit}".strip() for number in (figure.value, figure.high))
    return figure.name, value, high, " / ".join(targets), met, figure.count


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _placed(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column in {1, 2, 3} else cell.ljust(width)
