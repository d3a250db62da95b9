"""An open database, and how it is opened."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Generator, Mapping
from functools import partial
from threading import Thread
from types import MappingProxyType, TracebackType
from typing import Any, Self

import lsmdb
from lsmdb import _progress
from lsmdb._database import Mode, StrPath
from lsmdb._comparators import SortKey
from lsmdb._filters import CompactionFilters
from lsmdb._operators import MergeOperators
from lsmdb._options import Durability, KeyspaceOptions, Options
from lsmdb.aio._desk import Desk
from lsmdb.aio._faces import Keyspace, Writable
from lsmdb.aio._lanes import Lane, nothing
from lsmdb.aio._snapshot import Batch, Snapshot


class DB(Writable):
    """An open database; as a mapping it is its default keyspace. `aio.open` opens it.

    It may be used by the loops of several threads.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     async with await aio.DB.open("fruits") as db:
    ...         await db.put(b"apple", b"red")
    ...         print(await db.get(b"apple"), await db.count())
    >>> asyncio.run(main())
    b'red' 1
    """

    __slots__ = ()
    _native: lsmdb.DB

    def __init__(self, native: lsmdb.DB, durability: Durability = "buffered") -> None:
        super().__init__(Desk(native, durability), native)

    @staticmethod
    def open(path: StrPath, /, **chosen: Any) -> Opening:
        """Opens a database, as `aio.open` does."""
        return open(path, **chosen)

    @property
    def path(self) -> str:
        """Where it is."""
        return os.fsdecode(self._native.path)

    @property
    def closed(self) -> bool:
        """True once it is closed."""
        return self._desk.is_closed or self._native.closed

    @property
    def default(self) -> Keyspace:
        """The keyspace that the database is as a mapping."""
        return Keyspace(self._desk, self._native.default)

    @property
    def open_report(self) -> dict[str, Any]:
        """What opening it has found."""
        return self._native.open_report

    @property
    def latest_seqno(self) -> int:
        """The number of the last write."""
        return self._native.latest_seqno

    @property
    def durable_seqno(self) -> int:
        """The number of the last write that is durable with all before it."""
        return self._native.durable_seqno

    @property
    def fault(self) -> lsmdb.Error | None:
        """Why no writes are taken; None if they are."""
        return self._native.fault

    async def keyspace(self, name: str, options: KeyspaceOptions | None = None, /) -> Keyspace:
        """The keyspace of this name, made if there is none.

        >>> import asyncio
        >>> from lsmdb import aio
        >>> async def main():
        ...     async with aio.open("shop") as db:
        ...         orders = await db.keyspace("orders")
        ...         await orders.put(b"1", b"two apples")
        ...         print(await db.keyspaces(), await db.count())
        >>> asyncio.run(main())
        ['orders'] 0
        """
        native = await self._desk.read(lambda: self._native.keyspace(name, options))
        return Keyspace(self._desk, native)

    async def keyspaces(self) -> list[str]:
        """The names of all keyspaces but the default one, in order."""
        return self._native.keyspaces()

    async def drop_keyspace(self, name: str, /) -> bool:
        """Drops a keyspace with everything in it; False if there is none."""
        return await self._desk.read(lambda: self._native.drop_keyspace(name))

    def batch(
        self,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> Batch:
        """Writes that are to happen together, for `async with`."""
        return Batch(self._desk, durability, timeout, low_priority)

    def snapshot(self) -> Snapshot:
        """What is in the database now, for `async with` or `await`."""
        return Snapshot(self._desk)

    async def refresh(self) -> bool:
        """Shows what the writer, in another process, has done; see `lsmdb.DB.refresh`."""
        return await self._desk.read(self._native.refresh)

    async def readers(self) -> list[lsmdb.ReaderInfo]:
        """The readers for which the writer keeps files; see `lsmdb.DB.readers`."""
        return await self._desk.read(self._native.readers)

    async def sync(self) -> None:
        """Makes every write durable that was acknowledged."""
        await self._desk.read(self._native.sync)

    async def wait_durable(self, seqno: int, timeout: float | None = None, /) -> None:
        """Waits until the write of this number is durable, together with all who wait; at most so
        many seconds."""
        await self._desk.wait_for(seqno, timeout)

    async def resume(self) -> None:
        """Takes writes again after a fault."""
        await self._desk.read(self._native.resume)

    async def pause_background(self) -> None:
        """Has flushes and compactions wait; see `lsmdb.DB.pause_background`."""
        await self._desk.read(self._native.pause_background)

    async def resume_background(self) -> None:
        """Lets them go on."""
        await self._desk.read(self._native.resume_background)

    async def wait_idle(self) -> None:
        """Waits until nothing is left to be flushed and merged."""
        await self._desk.long_call(lambda _told: self._native.wait_idle())

    async def verify(self, *, progress: Any = None, timeout: float | None = None) -> None:
        """Checks every byte of every file."""
        await self._desk.long_call(
            lambda told: self._native.verify(progress=told, timeout=timeout), progress
        )

    async def doctor(self) -> lsmdb.Diagnosis:
        """What is wrong or slow, and which limit or option causes it."""
        return await self._desk.read(self._native.doctor)

    async def stats(self) -> dict[str, Any]:
        """What the database knows about itself."""
        return await self._desk.read(self._native.stats)

    async def metrics(self) -> dict[str, float]:
        """The same as numbers by name."""
        return await self._desk.read(self._native.metrics)

    async def close(self) -> None:
        """Closes the database. What still waits for it ends as `lsmdb.Closed`. A second time does
        nothing."""
        await self._desk.close()

    def _keyspace(self) -> lsmdb.Keyspace:
        return self._native.default

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<lsmdb.aio.DB of {self._native!r}>"


class Opening:
    """A database on its way: `await` it, or enter it with `async with`.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     db = await aio.open("fruits")
    ...     await db.close()
    >>> asyncio.run(main())
    """

    __slots__ = ("_db", "_durability", "_make")

    def __init__(self, make: Callable[[], lsmdb.DB], durability: Durability) -> None:
        self._make, self._durability = make, durability
        self._db: DB | None = None

    async def _open(self) -> DB:
        opener = Lane("open", 1)
        errand = opener.start(self._make, close_apart)
        opener.retire()
        return DB(await errand.result(), self._durability)

    def __await__(self) -> Generator[Any, None, DB]:
        return self._open().__await__()

    async def __aenter__(self) -> DB:
        self._db = await self._open()
        return self._db

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._db is not None:
            await self._db.close()


def close_apart(native: lsmdb.DB) -> None:
    """Closes a database that nobody waited for, without holding up the loop."""
    Thread(target=native.close, name="lsmdb-close").start()


def open(
    path: StrPath,
    /,
    *,
    mode: Mode = "c",
    memory_limit: int | None = None,
    memtable_bytes: int | None = None,
    threads: int | None = None,
    durability: Durability | None = None,
    refresh_every: float | None = None,
    options: Options | None = None,
    listener: Callable[[lsmdb.Event], object] | None = None,
    merge_operators: MergeOperators = (),
    comparators: Mapping[str, SortKey] = MappingProxyType({}),
    compaction_filters: CompactionFilters = (),
    default_keyspace: KeyspaceOptions | None = None,
) -> Opening:
    """Opens a database, for `await` or `async with`; `lsmdb.DB` says what the options are.

    The listener is called by the database's own threads.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     async with aio.open("fruits", durability="durable") as db:
    ...         await db.put(b"apple", b"red")
    >>> asyncio.run(main())
    """
    usual = durability or (options or Options()).durability or "buffered"
    make = partial(
        lsmdb.DB,
        path,
        mode=mode,
        memory_limit=memory_limit,
        memtable_bytes=memtable_bytes,
        threads=threads,
        durability=durability,
        refresh_every=refresh_every,
        options=options,
        listener=listener,
        merge_operators=merge_operators,
        comparators=comparators,
        compaction_filters=compaction_filters,
        default_keyspace=default_keyspace,
    )
    return Opening(make, usual)


async def destroy(path: StrPath, /) -> list[str]:
    """Deletes the files of the database in a directory; see `lsmdb.destroy`. Once this has ended,
    in whichever way, it deletes no more.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     async with aio.open("fruits"):
    ...         pass
    ...     print(await aio.destroy("fruits"))
    >>> asyncio.run(main())
    []
    """
    lane = Lane("destroy", 1)
    errand = lane.start(partial(lsmdb.destroy, path))
    lane.retire()
    return await errand.finish(nothing)


async def salvage(
    path: StrPath,
    new_path: StrPath,
    /,
    *,
    options: Options | None = None,
    progress: Any = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """Rebuilds what can be read of a damaged database in a new one; see `lsmdb.salvage`. Once this
    has ended, in whichever way, nothing is written any more; what was not finished is gone.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     async with aio.open("fruits") as db:
    ...         await db.put(b"apple", b"red")
    ...     print((await aio.salvage("fruits", "rescued"))["is_complete"])
    >>> asyncio.run(main())
    True
    """
    loop = asyncio.get_running_loop()
    teller = None if progress is None else _progress.told(progress)
    given_up = threading.Event()

    def told(done: int, total: int) -> None:
        if given_up.is_set():
            raise asyncio.CancelledError
        if teller is not None:
            loop.call_soon_threadsafe(teller, done, total)

    lane = Lane("salvage", 1)
    work = partial(
        lsmdb.salvage, path, new_path, options=options, progress=told, timeout=timeout
    )
    errand = lane.start(work)
    lane.retire()
    return await errand.finish(given_up.set)
