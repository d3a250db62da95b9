"""Batches on their way: gathered without holding up others, and written where that costs least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import lsmdb
from lsmdb import _progress
from lsmdb._options import Durability
from lsmdb.aio._desk import PATIENCE, Desk, deadline_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

    Pairs: TypeAlias = Mapping[bytes, bytes] | Iterable[tuple[Buffer, Buffer]]

#: So many pairs are taken at once from what is there already.
FEW = 256
#: `put_many` writes batches of about so many bytes.
BATCH_BYTES = 1 << 20
#: A batch of more bytes is written by a thread: the loop would stand still meanwhile.
QUICK_BYTES = 8 << 10
#: So many bytes count as a step more.
STEP_BYTES = 1 << 10
#: How a write may be made.
CHOICES = (None, "durable", "buffered", "volatile")


def steps(nbytes: int) -> int:
    """What so many bytes cost, for `Desk.is_due`."""
    return 1 + nbytes // STEP_BYTES


class Load:
    """Pairs on their way into a batch, while others run now and then."""

    __slots__ = ("_keyspace", "_nbytes", "batch", "desk")

    def __init__(self, desk: Desk, batch: lsmdb.Batch, keyspace: lsmdb.Keyspace) -> None:
        self.desk, self.batch, self._keyspace = desk, batch, keyspace
        self._nbytes = 0

    async def add(self, key: Buffer, value: Buffer) -> int:
        """Adds a pair, and answers how many bytes there are."""
        self.batch.put(key, value, keyspace=self._keyspace)
        before, self._nbytes = self._nbytes, self.batch.nbytes
        # It is less than before if the batch was written meanwhile.
        if self.desk.is_due(steps(max(self._nbytes - before, 0))):
            await self.desk.breathe()
        return self._nbytes


class Stages:
    """A load of any length, of which a batch is written whenever it is large enough."""

    __slots__ = ("_durability", "_load", "_told", "count")

    def __init__(self, load: Load, durability: Durability | None, progress: Any) -> None:
        self._load, self._durability = load, durability
        self._told = None if progress is None else _progress.told(progress)
        self.count = 0

    async def add(self, key: Buffer, value: Buffer) -> None:
        """Adds a pair, and writes the batch if it is large enough."""
        if await self._load.add(key, value) >= BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Writes what was gathered."""
        gathered = len(self._load.batch)
        if gathered:
            await committed(self._load.desk, self._load.batch, self._durability, None)
            self.count += gathered
            if self._told is not None:
                # Nobody knows how many there will be.
                self._told(self.count, self.count)


def batch_of(desk: Desk, durability: Durability | None, low_priority: bool) -> lsmdb.Batch:
    """A batch that does not wait to be durable: that is done for all together."""
    if durability not in CHOICES:
        # It knows best how to refuse this.
        desk.native.batch(durability=durability)
    logged: Durability = "volatile" if (durability or desk.usual) == "volatile" else "buffered"
    return desk.native.batch(durability=logged, timeout=PATIENCE, low_priority=low_priority)


async def committed(
    desk: Desk, batch: lsmdb.Batch, durability: Durability | None, timeout: float | None
) -> int:
    """Writes a batch, waits until it is durable if it has to be, and answers its number."""
    deadline = deadline_of(timeout)
    seqno = await _written(desk, batch, deadline)
    await desk.acknowledge(seqno, durability, deadline)
    return seqno


async def _written(desk: Desk, batch: lsmdb.Batch, deadline: float | None) -> int:
    nbytes = batch.nbytes
    if nbytes > QUICK_BYTES:
        return await desk.commit(batch, deadline)
    if desk.is_due(steps(nbytes)):
        await desk.breathe()
    try:
        return batch._try_commit()
    except lsmdb.Timeout:
        return await desk.commit(batch, deadline)


def pairs_of(items: Pairs) -> Iterable[tuple[Buffer, Buffer]]:
    """The pairs, one after the other. Of what is there already some are taken at once, so that
    small mappings may change meanwhile; a generator makes each when it is asked for."""
    source = items.items() if isinstance(items, Mapping) else items
    pairs = iter(source)
    if pairs is source:
        yield from pairs
    while part := list(islice(pairs, FEW)):
        yield from part
