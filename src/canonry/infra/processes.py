"""Processes that outlive us: started detached, known by pid and start time, ended without hitting a stranger; and the ports they hold."""

import os
import resource
import select
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_outliving: list["subprocess.Popen[bytes]"] = []


@dataclass(frozen=True)
class ProcessId:
    """One process for good: a pid is used again, a pid with its start time (clock ticks since boot) within one boot is not."""

    pid: int
    started: int


def identify(pid: int) -> ProcessId | None:
    """Return the identity of a living process, None when there is none with this pid (a zombie counts as none).

    Raises: OSError when that cannot be found out (no free file descriptor).
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else ProcessId(pid, int(fields[19]))


def is_alive(process: ProcessId) -> bool:
    """Say whether exactly this process still runs."""
    return identify(process.pid) == process


def allow_open_files(most: int = 65_536) -> None:
    """Let this process and what it starts open that many files, as far as the machine allows it.

    Many systems begin with 1,024, and each open log stream is one. Not more: some programs make a table of the length of the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def started_at(process: ProcessId) -> float:
    """Return when it started, as unix time in seconds (to about 10 ms)."""
    return psutil.boot_time() + process.started / os.sysconf("SC_CLK_TCK")


def start_detached(argv: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path = Path("/"),
                   pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start a program in a session of its own, so that it outlives us; what it prints is appended to `log`.

    env: its whole environment. Raises: OSError when it cannot be started or the log cannot be opened.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return outliving(subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=dict(env), cwd=cwd,
            start_new_session=True, close_fds=True, pass_fds=tuple(pass_fds),
        ))  # fmt: skip


def outliving(child: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
    """Hold on to a child that may outlive us, and return it.

    A Popen that is dropped while its program runs complains, and leaves a zombie until the next one is started; held ones are asked
    for their end here.
    """
    _let_go_of_ended()
    _outliving.append(child)
    return child


def stop(process: ProcessId, *, grace: float, ask: signal.Signals = signal.SIGTERM) -> bool:
    """End it: `ask` first, SIGKILL after `grace` seconds; returns when it is gone. False when it had to be killed."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if not is_alive(process):
            return True
        signal.pidfd_send_signal(descriptor, ask)
        if _ended(descriptor, grace):
            return True
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        _ended(descriptor, 10)
        return False
    except ProcessLookupError:
        return True
    finally:
        os.close(descriptor)
        _let_go_of_ended()


def free_port(address: str = "127.0.0.1") -> int:
    """Return a TCP port that nobody holds at this moment."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        return int(listener.getsockname()[1])


def is_port_free(port: int, address: str = "127.0.0.1") -> bool:
    """Say whether we could listen there. A port we may not open (below 1024 as an ordinary user) is not free for us."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError:
            return False
        return True


def port_holder(port: int) -> str:
    """Return who listens on this TCP port (`nginx (pid 71)`), empty when nobody does or the system does not tell us."""
    try:
        for item in psutil.net_connections("tcp"):
            if item.status == psutil.CONN_LISTEN and item.laddr and item.laddr.port == port and item.pid:
                return f"{psutil.Process(item.pid).name()} (pid {item.pid})"
    except (psutil.Error, OSError):
        pass
    return ""


def _let_go_of_ended() -> None:
    _outliving[:] = [held for held in _outliving if held.poll() is None]


def _ended(descriptor: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout * 1000))
