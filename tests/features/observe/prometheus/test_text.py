"""The text form: every value comes back as it was, whatever is in a label."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from canonry.features.observe.prometheus.text import Metric, Reading, histogram, written

_LINE = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\.)*)"')


def parsed(text: str) -> list[tuple[str, dict[str, str], float]]:
    """Read the text as Prometheus does."""
    found = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        assert match is not None, line
        labels = {
            name: re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), value)
            for name, value in _LABEL.findall(match["labels"] or "")
        }
        found.append((match["name"], labels, float(match["value"])))
    return found


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Zl", "Zp"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85"), max_size=20)


@given(_TEXT, st.floats(allow_nan=False, allow_infinity=False), _TEXT)
def test_what_is_written_is_read_back(label: str, value: float, help_text: str) -> None:
    text = written([Metric("a_name", "gauge", help_text, [Reading(value, {"path": label, "other": "x"})])])
    assert text.endswith("\n")
    assert parsed(text) == [("a_name", {"path": label, "other": "x"}, value)]


def test_a_histogram_counts_up_to_infinity() -> None:
    lines = written([histogram("seconds", "How long.", {1.0: 2, 5.0: 3, math.inf: 1}, 12.5)]).splitlines()
    assert lines == [
        "# HELP seconds How long.", "# TYPE seconds histogram", 'seconds_bucket{le="1"} 2', 'seconds_bucket{le="5"} 5',
        'seconds_bucket{le="+Inf"} 6', "seconds_sum 12.5", "seconds_count 6",
    ]  # fmt: skip
