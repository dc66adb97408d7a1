"""A disk that is as full as it is told to be: for tests, and for trying out what Canonry does when a disk fills."""

from canonry.ports.disk import Space


class MemoryDisk:
    """total, free: in bytes; `free` may be changed at any time."""

    def __init__(self, total: int = 100 << 30, free: int = 50 << 30) -> None:
        self.total = total
        self.free = free

    def space(self) -> Space:
        """See `ports.disk.Disk.space`."""
        return Space(self.total, min(self.free, self.total))
