"""Questions in threads of their own: what comes back, in which context, and how many at a time."""

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from canonry.http.askers import Askers
from tests.support.waiting import until


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test that is a coroutine in an event loop of its own."""
    return wraps(test)(lambda: asyncio.run(test()))


WHO = contextvars.ContextVar("WHO", default="nobody")


@in_a_loop
async def test_an_answer_comes_back_from_another_thread_in_the_context_of_the_caller() -> None:
    WHO.set("ada")
    who, thread = await Askers(2).ask(lambda: (WHO.get(), threading.current_thread()))
    assert (who, thread is threading.current_thread()) == ("ada", False)


@in_a_loop
async def test_an_error_comes_back_as_it_is_and_the_thread_goes_on() -> None:
    askers = Askers(1)

    def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        await askers.ask(fail)
    assert await askers.ask(lambda: 7) == 7


@in_a_loop
async def test_a_question_that_runs_out_of_an_iterator_is_answered_too() -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await Askers(1).ask(lambda: next(iter(())))


@in_a_loop
async def test_no_more_are_asked_at_a_time_than_there_may_be_threads() -> None:
    askers, lock = Askers(3), threading.Lock()
    together = threading.Barrier(3)
    at_once, most = 0, 0

    def question() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        together.wait(60)
        with lock:
            at_once -= 1

    await asyncio.gather(*(askers.ask(question) for _ in range(9)))
    assert most == 3


@in_a_loop
async def test_whoever_gives_up_leaves_the_question_behind_and_the_next_is_answered() -> None:
    askers, begun, go_on, ended = Askers(1), threading.Event(), threading.Event(), threading.Event()

    def question() -> None:
        begun.set()
        go_on.wait(60)
        ended.set()

    asking = asyncio.create_task(askers.ask(question))
    await asyncio.to_thread(begun.wait, 60)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    assert await askers.ask(ended.is_set) is True


def test_the_threads_end_with_whoever_held_them() -> None:
    askers = Askers(2)
    thread = asyncio.run(askers.ask(threading.current_thread))
    gone = weakref.ref(askers)
    del askers
    gc.collect()
    assert gone() is None
    until(lambda: not thread.is_alive(), 60)
