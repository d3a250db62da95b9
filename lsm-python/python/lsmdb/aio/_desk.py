"""What the parts of an open database share: its threads, its turns, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from math import isfinite
from operator import index
from time import monotonic
from typing import Any, TypeVar

import lsmdb
from lsmdb import _progress
from lsmdb._options import Durability
from lsmdb.aio._durable import Waiters
from lsmdb.aio._lanes import Errand, Lane, closed

_T = TypeVar("_T")
Progress = Callable[[int, int], object]

#: A task that only meets memory lets others run after so many steps of its own and of others.
TURN = 128
#: Reads of the disk at the same time.
READERS = 4
#: Compactions and the like at the same time.
LONG = 2
#: So long a writer that was held back is deaf for a cancellation.
PATIENCE = 0.05


#: No time to wait is as long as this.
ENDLESS = 2.0**64


class Stopped(Exception):
    """A long call ends since its task was cancelled or its database closed."""


def checked(timeout: float | None) -> float | None:
    """A time to wait; what is none is refused in the same way as without asyncio."""
    if timeout is None:
        return None
    if isfinite(timeout) and 0 <= timeout < ENDLESS:
        return float(timeout)
    raise lsmdb.InvalidArgument(f"{timeout} is no time to wait, in seconds")


def deadline_of(timeout: float | None) -> float | None:
    """The time at which something that begins now is to be over."""
    seconds = checked(timeout)
    return None if seconds is None else monotonic() + seconds


class Desk:
    """One for each database."""

    def __init__(self, native: lsmdb.DB, durability: Durability) -> None:
        self.native = native
        self.usual = durability
        self.is_closed = False
        self._left = TURN
        self.reads = Lane("read", READERS)
        # One thread: writers that are held back are so one after the other.
        self.writes = Lane("write", 1)
        self.long = Lane("long", LONG)
        syncs = Lane("sync", 1)
        self._lanes = (self.reads, self.writes, self.long, syncs)
        self._waiters = Waiters(native, syncs)

    def is_due(self, steps: int = 1) -> bool:
        """Counts steps; true once it is time for `breathe`."""
        self._left -= steps
        return self._left < 0

    async def breathe(self) -> None:
        """Lets others run."""
        self._left = TURN
        await asyncio.sleep(0)

    async def read(self, work: Callable[[], _T]) -> _T:
        """Has a thread read."""
        return await self.reads.start(work).result()

    async def long_call(self, work: Callable[[Progress], _T], progress: Any = None) -> _T:
        """Has a thread do something long, which is told by its progress to stop."""
        errand, given_up = self._long(work, progress)
        try:
            return await errand.result()
        finally:
            given_up.set()

    async def long_write(self, work: Callable[[Progress], _T], progress: Any) -> _T:
        """The same for what writes: once this has ended, in whichever way, it writes no more."""
        errand, given_up = self._long(work, progress)
        return await errand.finish(given_up.set)

    def _long(
        self, work: Callable[[Progress], _T], progress: Any
    ) -> tuple[Errand[_T], threading.Event]:
        given_up = threading.Event()
        told = self._progress(progress, given_up)
        return self.long.start(lambda: self._stoppable(work, told)), given_up

    def _stoppable(self, work: Callable[[Progress], _T], told: Progress) -> _T:
        try:
            return work(told)
        except Stopped as stopped:
            error = closed()
            # How far a load came is told by its error.
            error.__dict__.update(stopped.__dict__)
            raise error from None

    def _progress(self, progress: Any, given_up: threading.Event) -> Progress:
        loop = asyncio.get_running_loop()
        teller = None if progress is None else _progress.told(progress)

        def told(done: int, total: int) -> None:
            if given_up.is_set() or self.is_closed:
                raise Stopped
            if teller is not None:
                loop.call_soon_threadsafe(teller, done, total)

        return told

    async def commit(self, batch: lsmdb.Batch, deadline: float | None) -> int:
        """Writes a batch that could not be written at once. Once this has ended, in whichever
        way, the batch is written or never will be."""
        given_up = threading.Event()
        errand = self.writes.start(lambda: self._patiently(batch, deadline, given_up))
        if deadline is None:
            return await errand.finish(given_up.set)
        # It must not wait for ever behind others that are held back.
        left = max(deadline - monotonic(), PATIENCE)
        late = asyncio.get_running_loop().call_later(left, errand.job.cancel)
        try:
            return await errand.finish(given_up.set)
        except lsmdb.Closed:
            if self.is_closed or not errand.job.cancelled():
                raise
            raise _late("the deadline passed while other writes were held back") from None
        finally:
            late.cancel()

    def _patiently(
        self, batch: lsmdb.Batch, deadline: float | None, given_up: threading.Event
    ) -> int:
        """Commits a batch that waits for a short while only, again and again."""
        while True:
            try:
                return batch.commit()
            except lsmdb.Timeout as error:
                if self.is_closed:
                    raise closed() from error
                is_late = deadline is not None and monotonic() >= deadline
                if error.maybe_committed or is_late or given_up.is_set():
                    raise

    async def acknowledge(
        self, seqno: int, durability: Durability | None, deadline: float | None
    ) -> None:
        """Waits as long as a write of this durability has to wait."""
        if (durability or self.usual) == "durable":
            await self.wait_durable(seqno, deadline)

    async def wait_for(self, seqno: int, timeout: float | None) -> None:
        """The same for a number that somebody else gives, and that may be none."""
        deadline = deadline_of(timeout)
        if 0 <= index(seqno) <= self.native.latest_seqno:
            await self.wait_durable(seqno, deadline)
        else:
            # Those who wait together must not hear of it.
            await self.read(lambda: self.native.wait_durable(seqno, timeout))

    async def wait_durable(self, seqno: int, deadline: float | None) -> None:
        """Until the write of this number is durable."""
        left = None if deadline is None else deadline - monotonic()
        try:
            async with asyncio.timeout(left):
                await self._waiters.wait(seqno)
        except TimeoutError:
            late = _late("the deadline passed while the log was being synced")
            late.maybe_committed = True
            raise late from None

    async def close(self) -> None:
        """Closes the database, and waits until its threads are gone."""
        self.is_closed = True
        for lane in self._lanes:
            lane.shut()
        closer = Lane("close", 1)
        errand = closer.start(self._close)
        closer.retire()
        await asyncio.shield(errand.future)

    def _close(self) -> None:
        try:
            self.native.close()
        finally:
            for lane in self._lanes:
                lane.join()


def _late(message: str) -> lsmdb.Timeout:
    late = lsmdb.Timeout(message)
    late.retryable = True
    return late
