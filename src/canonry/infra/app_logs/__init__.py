"""The logs of instances: files that the apps themselves append to, read by byte offset.

    lines.py   pages of lines from an offset on       times.py   which offset was written when
    space.py   bounded disk use, offsets stay true

An offset is a cursor that stays true for ever: lines are never moved, the head of a file that is too long becomes a hole.
"""

from canonry.infra.app_logs.lines import CUT, Line, Lines, offset_since, read
from canonry.infra.app_logs.space import can_trim, remove, trim
from canonry.infra.app_logs.times import TimeIndex

__all__ = ["CUT", "Line", "Lines", "TimeIndex", "can_trim", "offset_since", "read", "remove", "trim"]
