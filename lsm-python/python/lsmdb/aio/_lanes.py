"""Threads for what cannot be answered at once, and how their results come back to a loop.

A lane has a fixed number of threads, which are started when they are needed. Whatever becomes of
the task that waits and of its loop, a result finds its way or is let go, and no exception is
complained of because nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future as Job
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Generic, TypeVar

from lsmdb._errors import Closed

_T = TypeVar("_T")


def closed() -> Closed:
    """What waits for a database that is closed meanwhile ends with this."""
    return Closed("the database is closed")


def nothing(*_: object) -> None:
    """What is to be done where nothing is to be done."""


class Errand(Generic[_T]):
    """Something that a thread does for a loop. `undo` is called with what comes of it, in any
    thread, if nobody waits for it by then."""

    __slots__ = ("_undo", "future", "job")

    def __init__(
        self,
        threads: ThreadPoolExecutor,
        work: Callable[[], _T],
        undo: Callable[[_T], object] = nothing,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._undo = undo
        try:
            self.job = threads.submit(work)
        except RuntimeError:
            raise closed() from None
        self.future: asyncio.Future[_T] = loop.create_future()
        self.future.add_done_callback(partial(_ended, self.job))
        self.job.add_done_callback(partial(_report, loop, self.future, undo))

    async def result(self) -> _T:
        """Waits for the end. A task that is cancelled lets go of the errand."""
        try:
            return await self.future
        except asyncio.CancelledError:
            if not self.future.cancelled():
                # It has come to its end, and the task was cancelled before it could go on.
                _undone(self._undo, self.job)
            raise

    async def finish(self, stop: Callable[[], object]) -> _T:
        """Waits for the end even if the task is cancelled: `stop` is called then, to hasten it.
        So nothing happens any more behind the back of whoever goes on after the cancellation."""
        try:
            await asyncio.wait([self.future])
        except asyncio.CancelledError:
            stop()
            self.job.cancel()
            await self._end()
            raise
        return self.future.result()

    async def _end(self) -> None:
        while not self.future.done():
            try:
                await asyncio.wait([self.future])
            except asyncio.CancelledError:
                continue


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    """Ends a future with an error, which counts as seen at once: its loop may have come to an end,
    and then nobody ever goes on who waits for it."""
    future.set_exception(error)
    future.exception()


def _ended(job: Job[Any], future: asyncio.Future[Any]) -> None:
    """A future that was cancelled takes its job along."""
    if future.cancelled():
        job.cancel()


def _report(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[_T],
    undo: Callable[[_T], object],
    job: Job[_T],
) -> None:
    try:
        loop.call_soon_threadsafe(_settle, future, undo, job)
    except RuntimeError:
        # The loop is closed, and nobody waits.
        _undone(undo, job)


def _settle(future: asyncio.Future[_T], undo: Callable[[_T], object], job: Job[_T]) -> None:
    if future.done():
        _undone(undo, job)
    elif job.cancelled():
        fail(future, closed())
    elif (error := job.exception()) is not None:
        fail(future, error)
    else:
        future.set_result(job.result())


def _undone(undo: Callable[[_T], object], job: Job[_T]) -> None:
    if not job.cancelled() and job.exception() is None:
        undo(job.result())


class Lane:
    """Threads for errands of one kind, so that others need not wait for them."""

    __slots__ = ("_threads",)

    def __init__(self, kind: str, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"lsmdb-{kind}")

    def start(self, work: Callable[[], _T], undo: Callable[[_T], object] = nothing) -> Errand[_T]:
        """Has a thread do this."""
        return Errand(self._threads, work, undo)

    def spawn(self, work: Callable[[], object]) -> None:
        """The same for what reports in its own way."""
        try:
            self._threads.submit(work)
        except RuntimeError:
            raise closed() from None

    def shut(self) -> None:
        """Takes no more; what has not begun ends as closed."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def retire(self) -> None:
        """Takes no more, and does what it has been given."""
        self._threads.shutdown(wait=False)

    def join(self) -> None:
        """Waits until its threads are gone."""
        self._threads.shutdown(wait=True)
