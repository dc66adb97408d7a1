"""The checks of `canonry doctor`. Each returns what it found; none raises and none changes anything."""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from canonry.core.errors import CanonryError
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.core.smtp import parse_smtp_url
from canonry.infra import cgroups, processes, sandbox, subprocess

type State = Literal["ok", "missing", "problem"]
_GIT_NEEDED = (2, 37)
_OPTIONAL = (
    ("nginx", "It will cache at the edge.", "Install the package nginx."),
    ("chromium", "It will take screenshots of deployments.", "Install the package chromium."),
)
_EARLIEST = 1_767_225_600  # 2026-01-01: a clock that is before that is wrong

_REMEDIES = {
    "backup_failing": "Canonry itself is not backed up; why is said by: canonry backup create.",
    "backup_unproven": "Which database: canonry db proofs, in its project; prove it now: canonry db drill.",
    "archive_behind": "See whether the place of CANONRY_BACKUPS_URL can be reached, and has room.",
    "database_full": "Which one: canonry db info, in its project. Let it be larger: canonry db set --disk.",
    "disk_low": "See who uses what: canonry disk.",
    "disk_full": "Make room: canonry disk prune.",
}


@dataclass(frozen=True)
class Finding:
    """One check. state: missing is optional, a problem must be mended. remedy: what to do, empty when it is ok."""

    name: str
    state: State
    found: str
    remedy: str = ""


def all_checks(settings: Settings) -> list[Finding]:
    """Run every check, in the order in which they matter."""
    home = Home(settings.home_path)
    checks: list[Callable[[], Finding]] = [
        _python, lambda: _home(home), lambda: _disk(settings, home), lambda: _port(settings, home),
        lambda: _sandbox(settings), _cgroups, _git, _uv,
        _clock, lambda: _mail(settings, home), lambda: _alarms(home), _docker, *(lambda item=item: _optional(*item) for item in _OPTIONAL),
    ]  # fmt: skip
    return [check() for check in checks]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"{version} at {sys.executable}")


def _mail(settings: Settings, home: Home) -> Finding:
    if settings.smtp_url is None:
        return Finding(
            "mail", "missing", f"no mail server: mail stays in {home.mail} (canonry mail ls)", "Set CANONRY_SMTP_URL to send it."
        )
    server = parse_smtp_url(settings.smtp_url)
    return Finding("mail", "ok", f"goes to {server.host}:{server.port}, TLS: {server.tls}")


def _alarms(home: Home) -> Finding:
    from canonry.cli.server.running import alarms

    if (found := alarms(home.web_socket)) is None:
        return Finding("alarms", "ok", "Canonry does not run, so nothing watches")
    if not found:
        return Finding("alarms", "ok", "none")
    remedies = [_REMEDIES[name] for name in found if name in _REMEDIES]
    return Finding("alarms", "problem", ", ".join(found), " ".join(remedies) or "The log of Canonry says more.")


def _home(home: Home) -> Finding:
    place = _existing(home.root)
    if home.root.exists() and not home.root.is_dir():
        return Finding("home", "problem", f"{home.root} is not a folder", "Choose another one with --home.")
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK) or os.statvfs(place).f_flag & os.ST_RDONLY:
        return Finding("home", "problem", f"{place} cannot be written", "Give this user the folder, or choose another one with --home.")
    return Finding("home", "ok", f"{home.root}" + ("" if home.root.exists() else " (made by canonry up)"))


def _disk(settings: Settings, home: Home) -> Finding:
    from canonry.adapters.disk.volume import VolumeDisk
    from canonry.features.disk import Mark, mark_of

    space = VolumeDisk(home.root).space()
    free, mark = space.free >> 20, mark_of(settings, space)
    if free < 200:
        return Finding("disk", "problem", f"{free} MiB free", "Free some space; Canonry needs 200 MiB to start.")
    if mark is Mark.FULL:
        found = f"{free} MiB free; below {settings.disk_reserve} MiB builds stop, while apps go on"
        return Finding("disk", "problem", found, "Make room: canonry disk prune. Or lower CANONRY_DISK_RESERVE.")
    if mark is Mark.LOW:
        found = f"{free} MiB free; below {settings.disk_clean_below} MiB caches are removed"
        return Finding("disk", "missing", found, "Builds and their caches take a few GiB. Who uses what: canonry disk.")
    return Finding("disk", "ok", f"{free >> 10} GiB free")


def _port(settings: Settings, home: Home) -> Finding:
    from canonry.adapters.edge.caddy import CaddyProcess
    from canonry.cli.server.running import read_serving

    ports, serving = [settings.http_port, *([settings.https_port] if settings.tls_is_on else [])], read_serving(home)
    if CaddyProcess(home, settings).find() is not None:
        return Finding("port", "ok", f"{serving.http_port if serving else ports[0]}: Canonry's own Caddy runs")
    for port in ports:
        if not processes.is_port_free(port, settings.http_address):
            holder = processes.port_holder(port)
            return Finding("port", "problem", f"{port} is taken" + (f" by {holder}" if holder else " or may not be opened by this user"),
                           "Stop that program, or choose another port with --http-port (for HTTPS: CANONRY_HTTPS_PORT).")  # fmt: skip
    return Finding("port", "ok", f"{' and '.join(map(str, ports))} {'is' if len(ports) == 1 else 'are'} free")


def _sandbox(settings: Settings) -> Finding:
    try:
        reason = sandbox.why_unavailable()
    except (OSError, RuntimeError) as error:
        reason = str(error)
    if not reason:
        return Finding("sandbox", "ok", "user namespaces and bubblewrap work")
    switches = ", ".join(f"set {name} to {value} with sysctl" for name, value in _namespace_switches())
    remedy = f"Allow user namespaces: {switches or 'in a container, start it with a wider seccomp profile'}."
    if settings.allow_no_sandbox:
        return Finding("sandbox", "missing", f"apps run without a sandbox, as CANONRY_ALLOW_NO_SANDBOX says: {reason}", remedy)
    return Finding("sandbox", "problem", reason, f"{remedy} Or accept the risk with CANONRY_ALLOW_NO_SANDBOX=1.")


def _namespace_switches() -> list[tuple[str, str]]:
    """Return the kernel's switches that stand against user namespaces, with the value each needs."""
    wanted = {"kernel.unprivileged_userns_clone": "1", "kernel.apparmor_restrict_unprivileged_userns": "0"}
    found = []
    for name, value in wanted.items():
        path = Path("/proc/sys") / name.replace(".", "/")
        if path.is_file() and path.read_text(encoding="ascii").strip() != value:
            found.append((name, value))
    limit = Path("/proc/sys/user/max_user_namespaces")
    if limit.is_file() and limit.read_text(encoding="ascii").strip() == "0":
        found.append(("user.max_user_namespaces", "15000"))
    return found


def _cgroups() -> Finding:
    reason = cgroups.why_unavailable()
    if not reason:
        return Finding("cgroups", "ok", "memory, cpu and process limits are kept by the kernel")
    return Finding(
        "cgroups",
        "missing",
        reason,
        "Limits are kept by rlimits and by watching instead. For the kernel's: run as root, or delegate a cgroup v2.",
    )


def _git() -> Finding:
    try:
        text = subprocess.run(["git", "--version"], timeout=10).out.decode(errors="replace").strip()
    except CanonryError:
        return Finding("git", "problem", "git is not installed", "Install the package git.")
    match = re.search(r"(\d+)\.(\d+)", text)
    if match and (int(match[1]), int(match[2])) < _GIT_NEEDED:
        return Finding("git", "problem", f"{text} is too old", f"Install git {_GIT_NEEDED[0]}.{_GIT_NEEDED[1]} or newer.")
    return Finding("git", "ok", text)


def _uv() -> Finding:
    import uv

    try:
        result = subprocess.run([uv.find_uv_bin(), "--version"], timeout=10)
    except (CanonryError, FileNotFoundError):
        return Finding("uv", "problem", "uv does not start, so Python apps cannot be built", "Run `make setup` again.")
    return Finding("uv", "ok", result.out.decode(errors="replace").strip())


def _clock() -> Finding:
    now = time.time()
    if now < _EARLIEST:
        return Finding(
            "clock", "problem", time.strftime("%Y-%m-%d", time.gmtime(now)), "Set the clock; certificates are checked against it."
        )
    return Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _docker() -> Finding:
    if shutil.which("docker") is None:
        return _optional("docker", "It will run apps as containers.", "Install Docker Engine.")
    try:
        result = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=10)
    except CanonryError as error:
        return Finding("docker", "missing", f"optional; {error.message}", "Start Docker Engine.")
    if result.code != 0:
        return Finding(
            "docker", "missing", "optional; installed, but its engine does not answer", "Start Docker Engine, or give this user its socket."
        )
    return Finding("docker", "ok", f"engine {result.out.decode(errors='replace').strip()}")


def _optional(program: str, use: str, remedy: str) -> Finding:
    if path := shutil.which(program):
        return Finding(program, "ok", path)
    return Finding(program, "missing", f"not installed (optional). {use}", remedy)


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
