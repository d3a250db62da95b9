"""What can be read, and what can be written as well."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

import lsmdb
from lsmdb._options import Durability, KeyspaceOptions, Moment, Ttl
from lsmdb.aio._desk import Desk, checked, deadline_of
from lsmdb.aio._lanes import nothing
from lsmdb.aio._scan import Pair, Range, Scan
from lsmdb.aio._writes import Load, Stages, batch_of, committed, pairs_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from lsmdb.aio._snapshot import Snapshot
    from lsmdb.aio._writes import Pairs

_T = TypeVar("_T")
_NOTHING: Any = object()

#: So many keys are looked up in the loop's own thread at most.
FEW = 256


def held(data: Buffer) -> bytes:
    """The bytes for a thread, which its caller cannot change any more."""
    return data if type(data) is bytes else memoryview(data).tobytes()


class Readable:
    """A mapping that is read with `await` and `async for`.

    What is in memory is answered at once; a thread is asked only for what is on disk.
    """

    __slots__ = ("_desk", "_native")

    def __init__(self, desk: Desk, native: lsmdb.Readable) -> None:
        self._desk = desk
        self._native = native

    @overload
    async def get(self, key: Buffer, /) -> bytes | None: ...
    @overload
    async def get(self, key: Buffer, default: _T, /) -> bytes | _T: ...
    async def get(self, key: Buffer, default: Any = None, /) -> Any:
        """The value of a key, or `default` if there is none.

        >>> import asyncio
        >>> from lsmdb import aio
        >>> async def main():
        ...     async with aio.open("fruits") as db:
        ...         await db.put(b"apple", b"red")
        ...         print(await db.get(b"apple"), await db.get(b"fig", b"none"))
        >>> asyncio.run(main())
        b'red' b'none'
        """
        if self._desk.is_due():
            await self._desk.breathe()
        try:
            return self._native._try_get(key, default)
        except lsmdb.Busy:
            asked = held(key)
            return await self._desk.read(lambda: self._native.get(asked, default))

    async def contains(self, key: Buffer, /) -> bool:
        """True if the key is there."""
        return await self.get(key, _NOTHING) is not _NOTHING

    @overload
    async def get_many(self, keys: Iterable[Buffer], /) -> list[bytes | None]: ...
    @overload
    async def get_many(self, keys: Iterable[Buffer], default: _T, /) -> list[bytes | _T]: ...
    async def get_many(self, keys: Iterable[Buffer], default: Any = None, /) -> Any:
        """The values of several keys, all of one moment, with `default` where there is none."""
        asked = list(map(held, keys))
        if self._desk.is_due(len(asked)):
            await self._desk.breathe()
        if len(asked) <= FEW:
            try:
                return self._native._try_get_many(asked, default)
            except lsmdb.Busy:
                pass
        return await self._desk.read(lambda: self._native.get_many(asked, default))

    async def get_value(self, key: Buffer, /) -> lsmdb.Value | None:
        """The value of a key where it lies in the database's memory, not copied; None if there is
        none. For large values: a thread finds it. See `lsmdb.Value`."""
        asked = held(key)
        return await self._desk.read(lambda: self._native.get_value(asked))

    async def expires_at(self, key: Buffer, /) -> float | None:
        """When the value of a key expires, in seconds since 1970; None if it never does. `KeyError`
        if the key has no value."""
        asked = held(key)
        return await self._desk.read(lambda: self._native.expires_at(asked))

    async def ttl(self, key: Buffer, /) -> float | None:
        """How many seconds the value of a key has to live; None if it does for ever. `KeyError` if
        the key has no value."""
        asked = held(key)
        return await self._desk.read(lambda: self._native.ttl(asked))

    async def get_into(self, key: Buffer, buffer: Buffer, /) -> int | None:
        """Copies the value of a key to the front of a writable buffer, and answers its length; None
        if there is none. `BufferError` if it does not fit. Nothing is copied once this has ended,
        in whichever way.

        >>> import asyncio
        >>> from lsmdb import aio
        >>> async def main():
        ...     async with aio.open("fruits") as db:
        ...         await db.put(b"apple", b"red")
        ...         buffer = bytearray(8)
        ...         print(await db.get_into(b"apple", buffer), bytes(buffer[:3]))
        >>> asyncio.run(main())
        3 b'red'
        """
        asked = held(key)
        errand = self._desk.reads.start(lambda: self._native.get_into(asked, buffer))
        return await errand.finish(nothing)

    def range(
        self, start: Buffer | None = None, stop: Buffer | None = None, *, reverse: bool = False
    ) -> Range:
        """The pairs from `start` to before `stop`, for `async for`. Nothing is read yet."""
        return Range(self._desk, self._native.range(start, stop, reverse=reverse))

    def prefix(self, prefix: Buffer, *, reverse: bool = False) -> Range:
        """The pairs whose keys begin with `prefix`, for `async for`."""
        return Range(self._desk, self._native.prefix(prefix, reverse=reverse))

    def __getitem__(self, keys: slice) -> Range:
        if not isinstance(keys, slice):
            raise TypeError("a slice gives a range; a single key is read by `await db.get(key)`")
        return Range(self._desk, self._native[keys])

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.keys()

    def keys(self) -> Scan[bytes]:
        """All keys, for `async for`."""
        return self.range().keys()

    def values(self) -> Scan[bytes]:
        """All values, for `async for`."""
        return self.range().values()

    def items(self) -> Scan[Pair]:
        """All pairs, for `async for`."""
        return self.range().items()

    async def first(self) -> Pair | None:
        """The first pair; None if there is none."""
        return await self._desk.read(self._native.first)

    async def last(self) -> Pair | None:
        """The last pair; None if there is none."""
        return await self._desk.read(self._native.last)

    async def count(self, *, progress: Any = None) -> int:
        """How many keys there are. Exact, and reads every one of them."""
        return await self._desk.long_call(lambda told: self._native.count(progress=told), progress)

    async def explain_get(self, key: Buffer, /) -> lsmdb.Explanation:
        """Looks a key up, and tells what was asked, what each place said, and what it cost; see
        `lsmdb.Readable.explain_get`."""
        asked = held(key)
        return await self._desk.read(lambda: self._native.explain_get(asked))

    async def explain_range(
        self,
        start: Buffer | None = None,
        stop: Buffer | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
        progress: Any = None,
        timeout: float | None = None,
    ) -> lsmdb.Explanation:
        """Walks through a range, and tells what was read, what was passed over, and what it cost;
        see `lsmdb.Readable.explain_range`."""
        first = None if start is None else held(start)
        last = None if stop is None else held(stop)

        def walk(told: Any) -> lsmdb.Explanation:
            return self._native.explain_range(
                first, last, reverse=reverse, limit=limit, progress=told, timeout=timeout
            )

        return await self._desk.long_call(walk, progress)

    async def approximate_count(
        self, start: Buffer | None = None, stop: Buffer | None = None
    ) -> lsmdb.Estimate:
        """About how many keys there are, with bounds; see `lsmdb.Readable.approximate_count`."""
        bounds = [None if key is None else held(key) for key in (start, stop)]
        return await self._desk.read(lambda: self._native.approximate_count(*bounds))


class Writable(Readable):
    """A keyspace, or a database as its default keyspace.

    A write that has to be durable is in the log at once, and one thread waits for all who wait.
    Once a write is cancelled it has happened, or never will.
    """

    __slots__ = ()
    _native: lsmdb.Writable

    def _keyspace(self) -> lsmdb.Keyspace:
        """The native keyspace that a batch names."""
        raise NotImplementedError

    async def put(
        self,
        key: Buffer,
        value: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """Gives a key a value. It can expire: `ttl` seconds from now, or at the moment
        `expires_at`.

        >>> import asyncio
        >>> from lsmdb import aio
        >>> async def main():
        ...     async with aio.open("fruits") as db:
        ...         await db.put(b"apple", b"red", durability="durable")
        >>> asyncio.run(main())
        """
        if self._desk.is_due():
            await self._desk.breathe()
        deadline = deadline_of(timeout)
        if ttl is not None or expires_at is not None:
            batch = self._batch(durability, low_priority)
            batch.put(key, value, keyspace=self._keyspace(), ttl=ttl, expires_at=expires_at)
            return await self._commit(batch, durability, timeout)
        try:
            seqno = self._native._try_put(key, value, durability)
        except lsmdb.Timeout:
            batch = self._batch(durability, low_priority)
            batch.put(key, value, keyspace=self._keyspace())
            seqno = await self._desk.commit(batch, deadline)
        await self._desk.acknowledge(seqno, durability, deadline)

    async def merge(
        self,
        key: Buffer,
        operand: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """Applies an operand to the value of a key, or to none, by the keyspace's merge operator,
        and reads nothing for that; see `lsmdb.Writable.merge`."""
        batch = self._batch(durability, low_priority)
        batch.merge(key, operand, keyspace=self._keyspace(), ttl=ttl, expires_at=expires_at)
        await self._commit(batch, durability, timeout)

    async def touch(
        self,
        key: Buffer,
        *,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> bool:
        """Lets the value that a key has expire at another moment, or never: with `math.inf`.
        Answers whether there was one."""
        asked, how = held(key), (durability, timeout, low_priority)
        while (value := await self.get(asked)) is not None:
            if await self._swap(asked, value, value, *how, ttl=ttl, expires_at=expires_at):
                return True
        return False

    async def delete(
        self,
        key: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Takes a key away, whether or not it is there."""
        if self._desk.is_due():
            await self._desk.breathe()
        deadline = deadline_of(timeout)
        try:
            seqno = self._native._try_delete(key, durability)
        except lsmdb.Timeout:
            batch = self._batch(durability, low_priority)
            batch.delete(key, keyspace=self._keyspace())
            seqno = await self._desk.commit(batch, deadline)
        await self._desk.acknowledge(seqno, durability, deadline)

    async def single_delete(
        self,
        key: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Takes a key away, whether or not it is there; see `lsmdb.Writable.single_delete`."""
        batch = self._batch(durability, low_priority)
        batch.single_delete(key, keyspace=self._keyspace())
        await self._commit(batch, durability, timeout)

    async def delete_range(
        self,
        start: Buffer | None,
        stop: Buffer | None,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Takes every key from `start` to before `stop` away; None leaves an end open."""
        batch = self._batch(durability, low_priority)
        batch.delete_range(start, stop, keyspace=self._keyspace())
        await self._commit(batch, durability, timeout)

    async def insert_if_absent(
        self,
        key: Buffer,
        value: Buffer,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
    ) -> bool:
        """Gives a key a value if it has none. Answers whether it did."""
        how = (durability, timeout, low_priority)
        return await self._swap(key, None, value, *how, ttl=ttl)

    async def compare_and_set(
        self,
        key: Buffer,
        expected: Buffer | None,
        new: Buffer | None,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> bool:
        """Gives a key the value `new` if it has the value `expected`; None stands for no value on
        both sides. Answers whether it did."""
        how = (durability, timeout, low_priority)
        return await self._swap(key, expected, new, *how)

    async def fetch_update(
        self,
        key: Buffer,
        update: Callable[[bytes | None], Buffer | None],
        /,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> bytes | None:
        """Replaces the value of a key by what `update` makes of it, and answers the value before;
        None stands for no value on both sides. `update` is called again if somebody else was
        faster."""
        asked, how = held(key), (durability, timeout, low_priority)
        while True:
            before = await self.get(asked)
            if await self._swap(asked, before, update(before), *how):
                return before

    async def _swap(
        self,
        key: Buffer,
        expected: Buffer | None,
        new: Buffer | None,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> bool:
        batch, keyspace = self._batch(durability, low_priority), self._keyspace()
        if expected is None:
            batch.require_absent(key, keyspace=keyspace)
        else:
            batch.require_value(key, expected, keyspace=keyspace)
        if new is not None:
            batch.put(key, new, keyspace=keyspace, ttl=ttl, expires_at=expires_at)
        elif expected is not None:
            batch.delete(key, keyspace=keyspace)
        try:
            await self._commit(batch, durability, timeout)
        except lsmdb.Conflict:
            return False
        return True

    async def update(
        self,
        items: Pairs = (),
        /,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Writes all of these pairs, or none: one batch."""
        checked(timeout)
        batch = self._batch(durability, low_priority)
        load = Load(self._desk, batch, self._keyspace())
        for key, value in pairs_of(items):
            await load.add(key, value)
        await self._commit(batch, durability, timeout)

    async def put_many(
        self,
        items: Pairs | AsyncIterable[tuple[Buffer, Buffer]],
        /,
        *,
        durability: Durability | None = None,
        progress: Any = None,
    ) -> int:
        """Writes many pairs in batches of about a megabyte, and answers how many. They may come
        from an asynchronous iterator, too."""
        batch = self._batch(durability, False)
        load = Load(self._desk, batch, self._keyspace())
        stages = Stages(load, durability, progress)
        if isinstance(items, AsyncIterable):
            async for key, value in items:
                await stages.add(key, value)
        else:
            for key, value in pairs_of(items):
                await stages.add(key, value)
        await stages.flush()
        return stages.count

    async def load(
        self,
        source: Any,
        /,
        *,
        key: str = "key",
        value: str = "value",
        durability: Durability | None = None,
        progress: Any = None,
    ) -> int:
        """Writes the rows of a table as pairs, as `put_many` writes them, and answers how many
        there were; see `lsmdb.Writable.load`. The source may also be a range of an `aio.DB`. It is
        read by a thread, and must be left alone meanwhile.

        >>> import asyncio
        >>> from lsmdb import aio
        >>> async def main():
        ...     async with aio.open("fruits") as db:
        ...         await db.update({b"apple": b"red", b"plum": b"blue"})
        ...         copy = await db.keyspace("copy")
        ...         print(await copy.load(db[b"b":]))
        >>> asyncio.run(main())
        1
        """
        rows = source._native if isinstance(source, Range) else source
        return await self._desk.long_write(
            lambda told: self._native.load(
                rows, key=key, value=value, durability=durability, progress=told
            ),
            progress,
        )

    async def load_columns(
        self,
        keys: Buffer,
        values: Buffer,
        /,
        *,
        durability: Durability | None = None,
        progress: Any = None,
    ) -> int:
        """The same of two arrays with a row for each pair; see `lsmdb.Writable.load_columns`."""
        return await self._desk.long_write(
            lambda told: self._native.load_columns(
                keys, values, durability=durability, progress=told
            ),
            progress,
        )

    @overload
    async def pop(self, key: Buffer, /) -> bytes: ...
    @overload
    async def pop(self, key: Buffer, default: _T, /) -> bytes | _T: ...
    async def pop(self, key: Buffer, /, *default: Any) -> Any:
        """Takes a key away and answers its value; `default`, or `KeyError`, if there is none. Of
        several who do this, one gets the value."""
        if len(default) > 1:
            raise TypeError("pop takes a key, and one default at most")
        asked = held(key)
        while (value := await self.get(asked)) is not None:
            if await self._swap(asked, value, None):
                return value
        if not default:
            raise KeyError(asked)
        return default[0]

    async def popitem(self) -> Pair:
        """Takes the first pair away and answers it; `KeyError` if there is none. Of several who do
        this, each gets another pair."""
        while (pair := await self.first()) is not None:
            if await self._swap(*pair, None):
                return pair
        raise KeyError("there is nothing in it")

    async def setdefault(self, key: Buffer, default: Buffer, /) -> bytes:
        """The value of a key; one that has none gets `default` first. All who do this get the
        same."""
        asked, usual = held(key), held(default)
        while (value := await self.get(asked)) is None:
            if await self._swap(asked, None, usual):
                return usual
        return value

    async def clear(self) -> None:
        """Takes everything away."""
        await self.delete_range(None, None)

    async def flush(self, *, progress: Any = None, timeout: float | None = None) -> None:
        """Writes what is in memory into a table."""
        await self._desk.long_call(
            lambda told: self._native.flush(progress=told, timeout=timeout), progress
        )

    async def compact(
        self,
        start: Buffer | None = None,
        stop: Buffer | None = None,
        *,
        progress: Any = None,
        timeout: float | None = None,
    ) -> None:
        """Merges the tables of these keys down to the last level."""
        first, last = (None if bound is None else held(bound) for bound in (start, stop))
        await self._desk.long_call(
            lambda told: self._native.compact(first, last, progress=told, timeout=timeout),
            progress,
        )

    def at(self, snapshot: Snapshot, /) -> KeyspaceView:
        """The keyspace as a snapshot sees it."""
        return KeyspaceView(self._desk, self._native.at(snapshot._seen))

    def reading(
        self, *, fill_cache: bool = True, cached_only: bool = False, verify: bool = False
    ) -> KeyspaceView:
        """The same keyspace, read in another way; see `lsmdb.Keyspace.reading`."""
        view = self._native.reading(fill_cache=fill_cache, cached_only=cached_only, verify=verify)
        return KeyspaceView(self._desk, view)

    @property
    def name(self) -> str:
        """The keyspace's name."""
        return self._native.name

    @property
    def options(self) -> KeyspaceOptions:
        """How the keyspace is kept, as it was chosen when it was made."""
        return self._native.options

    async def usage(self) -> lsmdb.Usage:
        """What the keyspace takes, and how much of that is alive; see `lsmdb.Writable.usage`."""
        return await self._desk.read(self._native.usage)

    def _batch(self, durability: Durability | None, low_priority: bool) -> lsmdb.Batch:
        return batch_of(self._desk, durability, low_priority)

    async def _commit(
        self, batch: lsmdb.Batch, durability: Durability | None, timeout: float | None
    ) -> None:
        await committed(self._desk, batch, durability, timeout)


class Keyspace(Writable):
    """A mapping of its own inside a database; `await db.keyspace(name)` gives it."""

    __slots__ = ()
    _native: lsmdb.Keyspace

    def _keyspace(self) -> lsmdb.Keyspace:
        return self._native


class KeyspaceView(Readable):
    """What a snapshot sees of a keyspace, or a keyspace that is read in another way."""

    __slots__ = ()
    _native: lsmdb.KeyspaceView
