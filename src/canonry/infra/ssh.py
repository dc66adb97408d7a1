"""How git reaches a server by SSH: with one key and the pinned keys of servers, none of the machine's own settings, and no question asked.

The key lies in a file only while git runs, in a folder that nobody else can enter; what a `kill -9` left there goes with the next run.
"""

import secrets
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from canonry.core.secret import Secret
from canonry.infra.files import remove_tree

_OLD = 7200.0  # seconds; no run of git is that long

_OPTIONS = {
    "IdentitiesOnly": "yes", "IdentityAgent": "none", "GlobalKnownHostsFile": "/dev/null", "BatchMode": "yes", "ConnectTimeout": "20",
    "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "HashKnownHosts": "no", "UpdateHostKeys": "no",
    "ForwardAgent": "no", "ClearAllForwardings": "yes", "PermitLocalCommand": "no", "CheckHostIP": "no", "LogLevel": "ERROR",
    "ServerAliveInterval": "15", "ServerAliveCountMax": "4",
}  # fmt: skip


@dataclass(frozen=True)
class SshFiles:
    """What one run of git uses. command: for `core.sshCommand`."""

    command: str
    known_hosts: Path

    def seen(self) -> str:
        """Return the keys of servers that are known by now, as lines of `known_hosts`."""
        return self.known_hosts.read_text()


@contextmanager
def ssh_files(run_folder: Path, key: Secret, known_hosts: str, more: Mapping[str, str] | None = None) -> Iterator[SshFiles]:
    """Give a key to git for a while. known_hosts: pinned lines; when there are none, the server that answers first is pinned.

    more: further options of ssh.
    """
    base = run_folder / "ssh"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in base.iterdir():
        if time.time() - left.stat().st_mtime > _OLD:
            remove_tree(left)
    folder = base / secrets.token_hex(8)
    folder.mkdir(mode=0o700)
    try:
        identity, known = folder / "key", folder / "known_hosts"
        identity.touch(mode=0o600)
        identity.write_text(key.reveal())
        known.write_text(known_hosts)
        # Strict as soon as something is pinned: `accept-new` would take another kind of key for the same server.
        options = {
            **_OPTIONS,
            **(more or {}),
            "UserKnownHostsFile": f'"{_literal(known)}"',
            "StrictHostKeyChecking": "yes" if known_hosts.strip() else "accept-new",
        }
        words = ["ssh", "-F", "/dev/null", "-i", _literal(identity)]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        yield SshFiles(shlex.join(words), known)
    finally:
        remove_tree(folder)


def _literal(path: Path) -> str:
    return str(path).replace("%", "%%")
