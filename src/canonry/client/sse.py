"""Server-sent events: bytes in, whole events out (https://html.spec.whatwg.org/multipage/server-sent-events.html, part 9.2.6)."""

import codecs
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    """One event: its name (`message` when the stream gives none), its data, and the id to resume after ("" when none came yet)."""

    name: str
    data: str
    last_id: str


class EventParser:
    """Takes the stream in pieces of any size; gives each event once its empty line has come."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest = ""
        self._name = ""
        self._data: list[str] = []
        self._last_id = ""

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """Return the events that `piece` completes."""
        text = self._rest + self._decoder.decode(piece)
        # A CR at the end may be the first half of a CR LF: it waits for the next piece.
        held = "\r" if text.endswith("\r") else ""
        lines = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held
        return [event for line in lines if (event := self._take(line))]

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            return self._finish()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._last_id = value
        return None

    def _finish(self) -> ServerEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return ServerEvent(name, "\n".join(data), self._last_id) if data else None
