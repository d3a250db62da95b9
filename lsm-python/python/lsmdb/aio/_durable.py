"""Waiting until writes are durable: all who wait do it together, in one thread.

Each write is in the log before anybody waits, and one sync makes all of them durable. While one is
under way, others gather for the next.
"""

from __future__ import annotations

import asyncio
import copy
from threading import Lock
from typing import NamedTuple

import lsmdb
from lsmdb.aio._lanes import Lane, fail


class Waiter(NamedTuple):
    """Somebody who waits for a write to be durable."""

    seqno: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]


class Waiters:
    """Those who wait, and the thread that waits for them."""

    __slots__ = ("_is_working", "_lane", "_lock", "_native", "_waiting")

    def __init__(self, native: lsmdb.DB, lane: Lane) -> None:
        self._native, self._lane = native, lane
        self._lock = Lock()
        self._waiting: list[Waiter] = []
        self._is_working = False

    async def wait(self, seqno: int) -> None:
        """Until the write of this number is durable. Cancelling it takes nothing back."""
        loop = asyncio.get_running_loop()
        waiter = Waiter(seqno, loop, loop.create_future())
        with self._lock:
            self._waiting.append(waiter)
            starts, self._is_working = not self._is_working, True
        if starts:
            self._begin()
        await waiter.future

    def _begin(self) -> None:
        try:
            self._lane.spawn(self._work)
        except lsmdb.Closed as error:
            self._tell(self._taken(), error)

    def _taken(self) -> list[Waiter]:
        """Those who wait now; if there are none, the next who comes begins anew."""
        with self._lock:
            taken, self._waiting = self._waiting, []
            self._is_working = bool(taken)
        return taken

    def _work(self) -> None:
        while waiters := self._taken():
            # Nobody waits for the writes of cancelled tasks alone.
            seqnos = [waiter.seqno for waiter in waiters if not waiter.future.cancelled()]
            error = self._sync(max(seqnos)) if seqnos else None
            self._tell(waiters, error)

    def _sync(self, seqno: int) -> BaseException | None:
        try:
            self._native.wait_durable(seqno)
        except BaseException as error:
            return error
        return None

    def _tell(self, waiters: list[Waiter], error: BaseException | None) -> None:
        for loop in {waiter.loop for waiter in waiters}:
            futures = [waiter.future for waiter in waiters if waiter.loop is loop]
            try:
                loop.call_soon_threadsafe(_settle, futures, error)
            except RuntimeError:
                # The loop is closed, and nobody waits there any more.
                continue


def _settle(futures: list[asyncio.Future[None]], error: BaseException | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            # One for each: a task that raises it adds its own traceback.
            fail(future, copy.copy(error))
