"""Snapshots and batches: what is begun at once, and ended by a block."""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import lsmdb
from lsmdb._options import Durability, Moment, Ttl
from lsmdb.aio._desk import Desk, checked
from lsmdb.aio._faces import Keyspace, Readable
from lsmdb.aio._writes import batch_of, committed

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Snapshot(Readable):
    """What is in the database at one moment. As a mapping it is the default keyspace; `at` shows
    others.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     async with aio.open("fruits") as db:
    ...         async with db.snapshot() as snapshot:
    ...             await db.put(b"apple", b"red")
    ...             print(await snapshot.get(b"apple"), await db.get(b"apple"))
    >>> asyncio.run(main())
    None b'red'
    """

    __slots__ = ("_seen",)

    def __init__(self, desk: Desk) -> None:
        self._seen = desk.native.snapshot()
        super().__init__(desk, self._seen)

    @property
    def seqno(self) -> int:
        """The number of the last write that it sees."""
        return self._seen.seqno

    @property
    def closed(self) -> bool:
        """True once it is closed."""
        return self._seen.closed

    async def close(self) -> None:
        """Lets go of what it sees."""
        self._seen.close()

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._seen.close()


class Batch:
    """Writes that happen together, over any keyspaces: all of them or none. They are gathered in
    memory, without `await`; the end of an `async with` block commits them, unless it raises.

    >>> import asyncio
    >>> from lsmdb import aio
    >>> async def main():
    ...     async with aio.open("shop") as db:
    ...         orders = await db.keyspace("orders")
    ...         async with db.batch(durability="durable") as batch:
    ...             batch[b"total"] = b"1"
    ...             batch.put(b"1", b"two apples", keyspace=orders)
    ...         print(await db.get(b"total"), await orders.get(b"1"))
    >>> asyncio.run(main())
    b'1' b'two apples'
    """

    __slots__ = ("_desk", "_durability", "_native", "_timeout")

    def __init__(
        self,
        desk: Desk,
        durability: Durability | None,
        timeout: float | None,
        low_priority: bool,
    ) -> None:
        self._desk, self._durability, self._timeout = desk, durability, checked(timeout)
        self._native = batch_of(desk, durability, low_priority)

    def put(
        self,
        key: Buffer,
        value: Buffer,
        /,
        *,
        keyspace: Keyspace | None = None,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """Gives a key a value, in the default keyspace if none is named. It can expire: `ttl`
        seconds from now, or at the moment `expires_at`."""
        self._native.put(
            key, value, keyspace=_native(keyspace), ttl=ttl, expires_at=expires_at
        )

    def merge(
        self,
        key: Buffer,
        operand: Buffer,
        /,
        *,
        keyspace: Keyspace | None = None,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """Applies an operand to the value of a key by the keyspace's merge operator; see
        `lsmdb.Writable.merge`."""
        self._native.merge(
            key, operand, keyspace=_native(keyspace), ttl=ttl, expires_at=expires_at
        )

    def delete(self, key: Buffer, /, *, keyspace: Keyspace | None = None) -> None:
        """Takes a key away, whether or not it is there."""
        self._native.delete(key, keyspace=_native(keyspace))

    def single_delete(self, key: Buffer, /, *, keyspace: Keyspace | None = None) -> None:
        """Takes a key away; see `lsmdb.Writable.single_delete`."""
        self._native.single_delete(key, keyspace=_native(keyspace))

    def delete_range(
        self, start: Buffer | None, stop: Buffer | None, /, *, keyspace: Keyspace | None = None
    ) -> None:
        """Takes every key from `start` to before `stop` away; None leaves an end open."""
        self._native.delete_range(start, stop, keyspace=_native(keyspace))

    def require_absent(self, key: Buffer, /, *, keyspace: Keyspace | None = None) -> None:
        """Adds a condition: the key has no value. If one does not hold at the commit, nothing is
        written, and the commit raises `Conflict`."""
        self._native.require_absent(key, keyspace=_native(keyspace))

    def require_value(
        self, key: Buffer, value: Buffer, /, *, keyspace: Keyspace | None = None
    ) -> None:
        """Adds a condition: the key has this value."""
        self._native.require_value(key, value, keyspace=_native(keyspace))

    def require_unchanged(
        self, key: Buffer, snapshot: Snapshot, /, *, keyspace: Keyspace | None = None
    ) -> None:
        """Adds a condition: nobody has written to the key since the snapshot, which may be
        closed."""
        self._native.require_unchanged(key, snapshot._seen, keyspace=_native(keyspace))

    @property
    def conditions(self) -> int:
        """How many conditions it has."""
        return self._native.conditions

    def __setitem__(self, key: Buffer, value: Buffer) -> None:
        self._native[key] = value

    def __delitem__(self, key: Buffer | slice) -> None:
        del self._native[key]

    def __len__(self) -> int:
        return len(self._native)

    @property
    def nbytes(self) -> int:
        """How many bytes its writes take."""
        return self._native.nbytes

    def clear(self) -> None:
        """Drops what was not committed."""
        self._native.clear()

    async def commit(self) -> int:
        """Writes it, and answers the number of its last write, for `DB.wait_durable`. It is empty
        then, and ready for more."""
        return await committed(self._desk, self._native, self._durability, self._timeout)

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.commit()
        else:
            self._native.clear()


def _native(keyspace: Keyspace | None) -> lsmdb.Keyspace | None:
    return None if keyspace is None else keyspace._native
