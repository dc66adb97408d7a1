"""Why an instance ended, in one sentence for people."""

import signal
from pathlib import Path

from canonry.adapters.runtime.process.records import Record, Status

_SHELL_CODES = {126: "the command cannot be executed", 127: "the command was not found"}
_TAIL = 4096


def explain(record: Record, status: Status, *, out_of_memory: bool) -> tuple[int | None, str]:
    """Return the exit code (None when unknown) and the reason. out_of_memory: the kernel killed a process of it for its memory."""
    code = status.exit_code
    if record.killed:
        return code, record.killed
    if record.stopping:
        return code, "stopped"
    if out_of_memory and code in {None, 137}:
        return code, over_memory(record.memory_mb)
    if code is None:
        return None, _without_report(record, status)
    reason = f"exited with code {code}"
    if code in _SHELL_CODES:
        reason += f": {_SHELL_CODES[code]}"
    elif code > 128 and (name := _signal_name(code - 128)):
        reason += f" ({name})"
    if out_of_memory and code != 0:
        reason += f"; a process of it had been killed: over {record.memory_mb} MiB of memory"
    return code, reason


def over_memory(limit_mb: int) -> str:
    """Return the reason of an instance that was killed for its memory."""
    return f"killed: over {limit_mb} MiB of memory"


def _without_report(record: Record, status: Status) -> str:
    error = _sandbox_error(Path(record.log)) if record.sandboxed else ""
    if error or (record.sandboxed and status.init is None):
        return f"the sandbox could not be set up: {error or 'the log says no more'}"
    return "killed from outside; the exit code is unknown"


def _sandbox_error(log: Path) -> str:
    """Return what bubblewrap said, when that is the last line of the log."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - _TAIL, 0))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1].removeprefix("bwrap: ") if lines and lines[-1].startswith("bwrap: ") else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
