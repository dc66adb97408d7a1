"""The table: a file for each port, `<home>/databases/.proxy/<port>`, which is replaced by rename. Canonry writes it, the proxy reads it."""

import errno
import os

OPEN, ASLEEP, HELD = "open", "asleep", "held"
NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""What the system says when we have too many descriptors, or it has no memory: that passes."""


class Entry:
    """What is behind a port.

    state: open (forward), asleep (hold, and ask for it to be started) or held (hold). socket: the server's. public: reachable from
    outside, with the certificate and the key in these files.
    """

    __slots__ = ("certificate", "cluster", "key", "public", "socket", "state")

    def __init__(self, cluster: str, state: str, socket: str, *, public: bool = False, certificate: str = "", key: str = "") -> None:
        self.cluster, self.state, self.socket = cluster, state, socket
        self.public, self.certificate, self.key = public, certificate, key

    def text(self) -> str:
        """Return the file's content."""
        lines = [f"cluster {self.cluster}", f"state {self.state}", f"socket {self.socket}"]
        if self.public:
            lines += ["public yes", f"certificate {self.certificate}", f"key {self.key}"]
        return "\n".join([*lines, ""])


def parse(text: str) -> Entry | None:
    """Return the entry of a file's content, None when it is none."""
    values = dict(line.partition(" ")[::2] for line in text.splitlines())
    if not values.get("cluster") or not values.get("socket") or values.get("state") not in {OPEN, ASLEEP, HELD}:
        return None
    return Entry(values["cluster"], values["state"], values["socket"], public=values.get("public") == "yes",
                 certificate=values.get("certificate", ""), key=values.get("key", ""))  # fmt: skip


def read(folder: str) -> dict[int, Entry]:
    """Return the whole table. Raises: OSError when it cannot be read now: half of it would cut off the clients of the other half."""
    found = {}
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- pathlib would cost a megabyte here
    except FileNotFoundError:
        return {}
    for name in names:
        if name.isascii() and name.isdigit() and 0 < int(name) < 65_536:
            try:
                with open(f"{folder}/{name}", encoding="utf-8") as file:  # noqa: PTH123 -- likewise
                    entry = parse(file.read())
            except FileNotFoundError:
                continue
            if entry is not None:
                found[int(name)] = entry
    return found
