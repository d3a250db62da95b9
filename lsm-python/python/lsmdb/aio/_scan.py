"""Ranges that are gone through with `async for`.

A thread fetches a list of entries; while they are handed out, it fetches the next one, and no more
than that. The lists are short at first, since many loops are left early.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from lsmdb.aio._lanes import Errand, closed

if TYPE_CHECKING:
    import lsmdb
    from lsmdb.aio._desk import Desk

_T = TypeVar("_T")
Pair = tuple[bytes, bytes]

FIRST, GROWTH, MOST = 32, 4, 1024
#: A list ends once it has so many bytes.
BYTES_ENOUGH = 1 << 20
_END: Any = object()


class Source(Generic[_T]):
    """The entries of a scan, for the threads that fetch them: one at a time."""

    __slots__ = ("_length", "_make", "_steps")

    def __init__(self, make: Callable[[], Iterator[_T]], length: Callable[[_T], int]) -> None:
        self._make, self._length = make, length
        self._steps: Iterator[_T] | None = None

    def fetch(self, most: int) -> list[_T]:
        """The next entries; an empty list behind the last."""
        if self._steps is None:
            self._steps = self._make()
        entries: list[_T] = []
        nbytes = 0
        for entry in self._steps:
            entries.append(entry)
            nbytes += self._length(entry)
            if len(entries) >= most or nbytes >= BYTES_ENOUGH:
                break
        return entries


class Scan(AsyncIterator[_T]):
    """One way through a range. It sees the moment at which it was asked first.

    A task that is cancelled while it waits for an entry loses none: it may ask again.
    """

    __slots__ = ("_ahead", "_desk", "_ready", "_size", "_source")

    def __init__(self, desk: Desk, source: Source[_T]) -> None:
        self._ahead: Errand[list[_T]] | None = None
        self._desk = desk
        self._source: Source[_T] | None = source
        self._ready: Iterator[_T] = iter(())
        self._size = FIRST

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _T:
        while True:
            if self._desk.is_closed:
                self._let_go()
                raise closed()
            entry = next(self._ready, _END)
            if entry is not _END:
                return entry
            if self._source is None:
                raise StopAsyncIteration
            await self._refill(self._source)

    async def aclose(self) -> None:
        """Lets go of what it sees."""
        self._let_go()

    def _let_go(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.job.cancel()
        self._ready, self._source = iter(()), None

    async def _refill(self, source: Source[_T]) -> None:
        ahead = self._ahead = self._ahead or self._fetch(source)
        if ahead.future.done():
            # A loop over what is there already lets others run all the same.
            await asyncio.sleep(0)
        else:
            # Not the future itself, which would be cancelled with the task.
            await asyncio.wait([ahead.future])
        if self._ahead is ahead:
            self._take(ahead, source)

    def _take(self, ahead: Errand[list[_T]], source: Source[_T]) -> None:
        self._ahead = None
        try:
            entries = ahead.future.result()
        except BaseException:
            self._let_go()
            raise
        if entries:
            self._ready = iter(entries)
            self._ahead = self._fetch(source)
        else:
            self._let_go()

    def _fetch(self, source: Source[_T]) -> Errand[list[_T]]:
        size, self._size = self._size, min(self._size * GROWTH, MOST)
        return self._desk.reads.start(partial(source.fetch, size))

    def __del__(self) -> None:
        if self._ahead is not None:
            self._ahead.job.cancel()


def pair_length(pair: Pair) -> int:
    """How many bytes a pair has."""
    return len(pair[0]) + len(pair[1])


class Range:
    """The pairs from one key to before another; `db.range` and slices make it.

    It is lazy, and can be gone through again and again; each time it sees one moment.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     async with aio.open("fruits") as db:
    ...         await db.update({b"apple": b"red", b"plum": b"blue"})
    ...         async for key, value in db[b"a":b"b"]:
    ...             print(key, value)
    ...         print([key async for key in db.range(reverse=True).keys()])
    >>> asyncio.run(main())
    b'apple' b'red'
    [b'plum', b'apple']
    """

    __slots__ = ("_desk", "_native")

    def __init__(self, desk: Desk, native: lsmdb.Range) -> None:
        self._desk, self._native = desk, native

    def __aiter__(self) -> Scan[Pair]:
        return Scan(self._desk, Source(self._native.__iter__, pair_length))

    def __reversed__(self) -> Scan[Pair]:
        return Scan(self._desk, Source(self._native.__reversed__, pair_length))

    def keys(self) -> Scan[bytes]:
        """The keys alone: values are not touched."""
        return Scan(self._desk, Source(self._native.keys, len))

    def values(self) -> Scan[bytes]:
        """The values."""
        return Scan(self._desk, Source(self._native.values, len))

    def items(self) -> Scan[Pair]:
        """The pairs, as `async for` over the range itself."""
        return aiter(self)

    def chunks(self, size: int = 1024) -> Scan[list[Pair]]:
        """Lists of up to `size` pairs."""
        steps = self._native.chunks(size)
        return Scan(self._desk, Source(lambda: steps, chunk_length))

    def columns(self, rows: int = 65536, *, nbytes: int = 67108864) -> Scan[lsmdb.Columns]:
        """Chunks of up to `rows` pairs as `lsmdb.Columns`, which are complete, too, with the pair
        that brings their keys and values to `nbytes`. One is read while another is handed out.

        >>> import asyncio
        >>> from lsmdb import aio
        >>> async def main():
        ...     async with aio.open("fruits") as db:
        ...         await db.update({b"apple": b"red", b"fig": b"green", b"plum": b"blue"})
        ...         async for columns in db.range().columns(rows=2):
        ...             print(columns.keys(), bytes(columns.value_data))
        >>> asyncio.run(main())
        [b'apple', b'fig'] b'redgreen'
        [b'plum'] b'blue'
        """
        steps = self._native.columns(rows, nbytes=nbytes)
        return Scan(self._desk, Source(lambda: steps, lambda chunk: chunk.nbytes))

    async def to_numpy(self, key: Any = None, value: Any = None) -> tuple[Any, Any]:
        """All keys and all values as two NumPy arrays; see `lsmdb.Range.to_numpy`."""
        return await self._desk.long_call(lambda _told: self._native.to_numpy(key, value))

    async def first(self) -> Pair | None:
        """The first pair in the range's own direction; None if there is none."""
        return await self._desk.read(self._native.first)

    async def last(self) -> Pair | None:
        """The last pair in the range's own direction; None if there is none."""
        return await self._desk.read(self._native.last)

    async def count(self, *, progress: Any = None) -> int:
        """How many keys there are. Exact, and reads every one of them."""
        return await self._desk.long_call(lambda told: self._native.count(progress=told), progress)

    async def approximate_bytes(self) -> int:
        """About how many bytes the range takes on disk."""
        return await self._desk.read(self._native.approximate_bytes)

    async def approximate_count(self) -> lsmdb.Estimate:
        """About how many keys the range has, with bounds."""
        return await self._desk.read(self._native.approximate_count)

    async def approximate_size(self) -> lsmdb.Estimate:
        """About how many bytes the range takes on disk, with bounds."""
        return await self._desk.read(self._native.approximate_size)

    async def split_points(self, parts: int) -> list[bytes]:
        """Keys that cut the range into at most `parts` parts of about the same size."""
        return await self._desk.read(lambda: self._native.split_points(parts))

    async def split(self, parts: int) -> list[Range]:
        """The range as at most `parts` ranges of about the same size.

        >>> import asyncio
        >>> from lsmdb import aio
        >>> async def main():
        ...     async with aio.open("fruits") as db:
        ...         await db.update({b"apple": b"red", b"fig": b"green"})
        ...         print([await part.count() for part in await db.range().split(2)])
        >>> asyncio.run(main())
        [1, 1]
        """
        ranges = await self._desk.read(lambda: self._native.split(parts))
        return [Range(self._desk, part) for part in ranges]

    @property
    def start(self) -> bytes | None:
        """Where it starts; None if that end is open."""
        return self._native.start

    @property
    def stop(self) -> bytes | None:
        """Before which key it stops; None if that end is open."""
        return self._native.stop

    @property
    def reverse(self) -> bool:
        """True if it is gone through from the last key to the first."""
        return self._native.reverse


def chunk_length(chunk: list[Pair]) -> int:
    """How many bytes a list of pairs has."""
    return sum(map(pair_length, chunk))
