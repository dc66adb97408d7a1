"""The logs of instances: files that the apps themselves append to, read by byte offset.

    lines.py   pages of lines from an offset on       times.py   which offset was written when
    space.py   bounded disk use, offsets stay true    search.py  lines with a word, in either direction

An offset is a cursor that stays true for ever: lines are never moved, the head of a file that is too long becomes a hole.
"""

from canonry.infra.app_logs.lines import CUT, Line, Lines, first_line, offset_since, read
from canonry.infra.app_logs.search import Accepts, Found, end_of_lines, find_back, find_on
from canonry.infra.app_logs.space import can_trim, remove, trim
from canonry.infra.app_logs.times import TimeIndex, time_at

__all__ = [
    "CUT",
    "Accepts",
    "Found",
    "Line",
    "Lines",
    "TimeIndex",
    "can_trim",
    "end_of_lines",
    "find_back",
    "find_on",
    "first_line",
    "offset_since",
    "read",
    "remove",
    "time_at",
    "trim",
]
