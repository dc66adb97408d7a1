"""Kills its own process (SIGKILL) when a named function begins or returns: put on PYTHONPATH by tests, so that no product code knows of it.

KILL_AT is `module:function:start` or `module:function:return`; KILL_ONCE is a file that is made just before, and that makes the next
process live. KILL_ARMED, when it is given: a file without which nothing is killed. Works with sys.monitoring: other functions cost nothing.
"""

import os
import signal
import sys
from types import CodeType

_TOOL = 4
_AT = os.environ.get("KILL_AT", "")
_ONCE = os.environ.get("KILL_ONCE", "")
_ARMED = os.environ.get("KILL_ARMED", "")


def _install() -> None:
    module, function, moment = _AT.split(":")
    path = module.replace(".", os.sep)
    monitoring = sys.monitoring
    event = monitoring.events.PY_START if moment == "start" else monitoring.events.PY_RETURN

    def look(code: CodeType, *_rest: object) -> object:
        if code.co_qualname != function or not code.co_filename.removesuffix(".py").endswith(path):
            return monitoring.DISABLE
        if _ARMED and not os.path.exists(_ARMED):  # noqa: PTH110 -- as said below
            return None
        os.close(os.open(_ONCE, os.O_CREAT | os.O_WRONLY, 0o600))
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    monitoring.use_tool_id(_TOOL, "killpoint")
    monitoring.register_callback(_TOOL, event, look)
    monitoring.set_events(_TOOL, event)


if _AT and not os.path.exists(_ONCE):  # noqa: PTH110 -- as little as possible is imported here
    _install()
