"""A row of small bars for a row of numbers."""

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN = "_.-=+*%#"


def sparkline(values: Sequence[float | None], *, width: int = 60, plain: bool = False) -> str:
    """Return one character for each value, the largest as the highest bar; None (nothing is known) as a blank.

    More than `width` values are taken together, each time the largest of them. plain: with ASCII characters only.
    """
    shown = _squeezed(values, width)
    most = max((value for value in shown if value is not None), default=0.0)
    bars = _PLAIN if plain else _BARS
    return "".join(" " if value is None else bars[_level(value, most)] for value in shown)


def _level(value: float, most: float) -> int:
    return 0 if most <= 0 or value <= 0 else max(1, round(value / most * (len(_BARS) - 1)))


def _squeezed(values: Sequence[float | None], width: int) -> list[float | None]:
    if len(values) <= width:
        return list(values)
    parts = [values[len(values) * number // width : len(values) * (number + 1) // width] for number in range(width)]
    return [max((value for value in part if value is not None), default=None) for part in parts]
