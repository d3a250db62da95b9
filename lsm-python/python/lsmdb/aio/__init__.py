"""lsmdb for asyncio: its verbs under their names, with `await` and `async for`.

>>> import asyncio
>>> from lsmdb import aio
>>> async def main():
...     async with aio.open("fruits") as db:
...         await db.update({b"apple": b"red", b"fig": b"green", b"plum": b"blue"})
...         print(await db.get(b"apple"))
...         async for key, value in db.range(b"b"):
...             print(key, value)
>>> asyncio.run(main())
b'red'
b'fig' b'green'
b'plum' b'blue'

There is no thread for each call. What is in memory is read and written at once; of what needs the
disk, a few threads of the database take care, never more than nine however many tasks wait. Writes
that have to be durable share their syncs: a thousand tasks that wait cost little more than one.

A task may be cancelled anywhere. A write that was cancelled has happened, or never will; a scan
that was cancelled may go on where it was. Closing the database ends all that wait with
`lsmdb.Closed`. A task that finds everything in memory still lets others run now and then.

What an operator does cannot wait, and has a verb: `get` for `db[key]`, `put` for `db[key] = value`,
`delete` and `delete_range` for `del`, `contains` for `in`, `update` for `|=`. Cursors and
`zero_copy` are not here, and a range is no Arrow stream of its own: `columns` and `load` take their
place, or `lsmdb` itself in a thread.
"""

from lsmdb.aio._db import DB, Opening, destroy, open, salvage
from lsmdb.aio._faces import Keyspace, KeyspaceView, Readable, Writable
from lsmdb.aio._scan import Range, Scan
from lsmdb.aio._snapshot import Batch, Snapshot

__all__ = [
    "DB",
    "Batch",
    "Keyspace",
    "KeyspaceView",
    "Opening",
    "Range",
    "Readable",
    "Scan",
    "Snapshot",
    "Writable",
    "destroy",
    "open",
    "salvage",
]
