"""Writes that are gathered and written as one."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from lsmdb.plyvel._errors import copied, telling

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from lsmdb.plyvel._db import DB

#: The head of a batch of LevelDB's, of whose size programs ask.
HEAD = 12


class WriteBatch:
    """Writes that are gathered, and written as one. `DB.write_batch` makes it.

    Unlike a batch of lsmdb's, it is written at the end of a `with` block that raises, too, unless
    it was made with `transaction=True`; and it may be written again.

    >>> from lsmdb import plyvel
    >>> db = plyvel.DB("users", create_if_missing=True)
    >>> with db.write_batch() as batch:
    ...     batch.put(b"key", b"value")
    ...     batch.delete(b"other")
    >>> db.get(b"key")
    b'value'
    """

    __slots__ = ("_changes", "_db", "_prefix", "_sync", "_transaction")

    def __init__(self, db: DB, prefix: bytes, transaction: bool, sync: bool) -> None:
        self._db, self._prefix = db, prefix
        self._transaction, self._sync = transaction, sync
        self._changes: list[tuple[bytes, bytes | None]] = []

    def put(self, key: Buffer, value: Buffer) -> None:
        """Gives the key this value.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> batch = db.write_batch()
        >>> batch.put(b"key", b"value")
        """
        self._db._check_open()
        self._changes.append((self._prefix + copied(key), copied(value)))

    def delete(self, key: Buffer) -> None:
        """Deletes the key.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> batch = db.write_batch()
        >>> batch.delete(b"key")
        """
        self._db._check_open()
        self._changes.append((self._prefix + copied(key), None))

    def append(self, source: WriteBatch) -> None:
        """Adds what another batch has gathered.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> batch, other = db.write_batch(), db.write_batch()
        >>> other.put(b"key", b"value")
        >>> batch.append(other)
        >>> batch.approximate_size() == other.approximate_size()
        True
        """
        if not isinstance(source, WriteBatch):
            raise TypeError(f"'source' must be a WriteBatch, not {type(source).__name__}")
        self._db._check_open()
        self._changes += list(source._changes)

    def clear(self) -> None:
        """Forgets what was gathered.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> batch = db.write_batch()
        >>> batch.put(b"key", b"value")
        >>> batch.clear()
        >>> batch.write()
        >>> db.get(b"key")
        """
        self._db._check_open()
        self._changes.clear()

    def approximate_size(self) -> int:
        """How many bytes the batch takes in LevelDB's form.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> db.write_batch().approximate_size()
        12
        """
        self._db._check_open()
        return HEAD + sum(map(_size, self._changes))

    def write(self) -> None:
        """Writes what was gathered, all or nothing, and keeps it for another time.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("users", create_if_missing=True)
        >>> batch = db.write_batch()
        >>> batch.put(b"key", b"value")
        >>> batch.write()
        >>> db.get(b"key")
        b'value'
        """
        native, pairs = self._db._native, self._db._pairs
        with telling(), native.batch(durability="durable" if self._sync else None) as batch:
            for key, value in self._changes:
                if value is None:
                    batch.delete(key, keyspace=pairs)
                else:
                    batch.put(key, value, keyspace=pairs)

    def __enter__(self) -> WriteBatch:
        self._db._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and self._transaction:
            self._changes.clear()
        else:
            self.write()


def _size(change: tuple[bytes, bytes | None]) -> int:
    key, value = change
    return 1 + _framed(key) + (0 if value is None else _framed(value))


def _framed(data: bytes) -> int:
    """Bytes with their length in front, seven bits of it in each byte."""
    return max(1, (len(data).bit_length() + 6) // 7) + len(data)
