"""A few threads that answer questions: what a request asks of the database waits there, so that the event loop goes on.

The framework's own way to a thread costs several times as much; for an answer of half a millisecond that is a tenth of it.
"""

import asyncio
import contextlib
import contextvars
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, cast

type _Heard = tuple[Any, BaseException | None]
"""What a question returned, or raised."""
type _Task = tuple[contextvars.Context, Callable[[], Any], asyncio.AbstractEventLoop, asyncio.Future[_Heard]]


class Askers:
    """At most `most` threads, each started when it is needed first; they end when nobody holds this any more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads = 0
        self._under_way = 0

    async def ask[T](self, question: Callable[[], T]) -> T:
        """Return what `question` returns in one of the threads, in the context of the caller. Raises: what it raises.

        Who is cancelled while waiting leaves the question behind: it is asked to its end, and nobody hears the answer.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Heard] = loop.create_future()
        self._under_way += 1  # only the event loop counts, so nothing needs a lock
        if self._threads < min(self._under_way, self._most):
            self._start()
        self._tasks.put((contextvars.copy_context(), question, loop, answer))
        try:
            told, error = await answer
        finally:
            self._under_way -= 1
        if error is not None:
            raise error
        return cast("T", told)

    def _start(self) -> None:
        self._threads += 1
        threading.Thread(target=_work, args=(self._tasks,), name=f"asker-{self._threads}", daemon=True).start()
        weakref.finalize(self, self._tasks.put, None)


def _work(tasks: SimpleQueue[_Task | None]) -> None:
    while (task := tasks.get()) is not None:
        context, question, loop, answer = task
        try:
            heard: _Heard = (context.run(question), None)
        except BaseException as error:  # noqa: BLE001 -- whoever asked decides what it means
            heard = (None, error)
        with contextlib.suppress(RuntimeError):  # the event loop has been closed meanwhile
            loop.call_soon_threadsafe(_settle, answer, heard)
        del task, context, question, loop, answer, heard  # nothing of a request is held while there is none


def _settle(answer: asyncio.Future[_Heard], heard: _Heard) -> None:
    if not answer.done():
        answer.set_result(heard)
