"""A real SSH server that serves git repositories from this disk to whoever has the right key."""

import asyncio
import contextlib
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh


@dataclass
class SshGit:
    """A running server. accepted: public keys that may read, as lines of authorized_keys. asked: the commands that came."""

    root: Path
    port: int = 0
    accepted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def url(self, name: str) -> str:
        """Return the address of a repository below the root."""
        return f"ssh://git@127.0.0.1:{self.port}/{name}"

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Run git's half of a fetch."""
        words = shlex.split(process.command or "")
        self.asked.append(process.command or "")
        if len(words) != 2 or words[0] != "git-upload-pack":
            process.exit(127)
            return
        child = await asyncio.create_subprocess_exec(
            "git", "-c", "safe.directory=*", "upload-pack", str(self.root / words[1].strip("/")),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        if child.stdin is None or child.stdout is None:
            return
        with contextlib.suppress(OSError, asyncssh.Error):
            await asyncio.gather(_pump(process.stdin, child.stdin), _pump(child.stdout, process.stdout))
        process.exit(await child.wait())


async def _pump(source: Any, sink: Any) -> None:  # noqa: ANN401 -- both libraries have streams of their own
    while piece := await source.read(1 << 16):
        sink.write(piece)
        await sink.drain()
    if isinstance(sink, asyncio.StreamWriter):
        sink.close()


class _Door(asyncssh.SSHServer):
    """Who may come in."""

    def __init__(self, git: SshGit) -> None:
        self._git = git

    def begin_auth(self, username: str) -> bool:
        """Ask for a key."""
        return username == "git"

    def public_key_auth_supported(self) -> bool:
        """Take keys."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Say whether this key may read."""
        mine = key.export_public_key().split()[1]
        return username == "git" and any(line.encode().split()[1] == mine for line in self._git.accepted)


@contextmanager
def ssh_git(root: Path, *, port: int = 0) -> Iterator[SshGit]:
    """Serve the repositories below `root`, under a host key made just now."""
    git, ready, stopping = SshGit(root), threading.Event(), list[asyncio.Event]()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        stop = asyncio.Event()
        stopping.append(stop)
        loops.append(asyncio.get_running_loop())
        server = await asyncssh.listen(
            "127.0.0.1", port, server_factory=lambda: _Door(git), server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            process_factory=git.serve, encoding=None, reuse_address=True,
        )  # fmt: skip
        git.port = server.get_port()
        ready.set()
        await stop.wait()
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 5)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="ssh-git", daemon=True)
    thread.start()
    assert ready.wait(60), "the SSH server does not start"
    try:
        yield git
    finally:
        loops[0].call_soon_threadsafe(stopping[0].set)
        thread.join(60)
