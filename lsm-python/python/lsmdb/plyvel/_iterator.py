"""Iterators: one for loops that may turn back, and one that stands on entries."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from lsmdb._native import _Roamer
from lsmdb.plyvel._errors import IteratorInvalidError, told

if TYPE_CHECKING:
    from typing_extensions import Buffer

    import lsmdb
    from lsmdb.plyvel._db import DB

Pair = tuple[bytes, bytes]
Item = TypeVar("Item")


class Iterator(_Roamer, Generic[Item]):
    """Goes over a part of a database, both ways. `DB.iterator` makes it.

    It stands between two entries. `next` passes the one ahead of it and answers it; `prev` passes
    the one it has behind it. With `reverse=True`, ahead is towards the smaller keys. `seek` moves
    in front of a key, `seek_to_start` in front of the smallest of its part, and `seek_to_stop`
    behind the largest, in whichever direction it goes.

    >>> from lsmdb import plyvel
    >>> db = plyvel.DB("letters", create_if_missing=True)
    >>> for letter in (b"a", b"b", b"d"):
    ...     db.put(letter, letter.upper())
    >>> with db.iterator(include_value=False) as iterator:
    ...     print(next(iterator), next(iterator), iterator.prev(), next(iterator))
    ...     iterator.seek(b"c")
    ...     print(next(iterator), next(iterator, None))
    ...     iterator.seek_to_start()
    ...     print(list(iterator))
    ...     iterator.seek_to_stop()
    ...     print(iterator.prev())
    b'a' b'b' b'b' b'b'
    b'd' None
    [b'a', b'b', b'd']
    b'd'
    """

    __slots__ = ("_db",)

    # The database is not closed while somebody iterates over it.
    _db: DB | None

    if TYPE_CHECKING:

        def __next__(self) -> Item: ...
        def prev(self) -> Item: ...

    def close(self) -> None:
        """Lets go of what the iterator sees.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("letters", create_if_missing=True)
        >>> iterator = db.iterator()
        >>> iterator.close()
        >>> next(iterator)
        Traceback (most recent call last):
        RuntimeError: the iterator is closed
        """
        self._db = None
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def closed() -> RuntimeError:
    """What a raw iterator raises that is closed, or whose database is."""
    return RuntimeError("Database or iterator is closed")


class RawIterator:
    """Stands on entries, as LevelDB's own iterators do. `DB.raw_iterator` makes it.

    At first it stands on none, and where there is no further entry it stands on none again: then
    only the methods that seek lead out.

    >>> from lsmdb import plyvel
    >>> db = plyvel.DB("letters", create_if_missing=True)
    >>> db.put(b"a", b"A")
    >>> with db.raw_iterator() as iterator:
    ...     iterator.seek_to_first()
    ...     while iterator.valid():
    ...         print(iterator.key(), iterator.value())
    ...         iterator.next()
    b'a' b'A'
    """

    __slots__ = ("__weakref__", "_db", "_item", "_roamer")

    def __init__(self, db: DB, range: lsmdb.Range) -> None:
        self._db: DB | None = db
        # It stands behind the entry.
        self._roamer = _Roamer(range, (True, True), b"", told)
        self._item: Pair | None = None

    def valid(self) -> bool:
        """True if it stands on an entry.

        >>> from lsmdb import plyvel
        >>> plyvel.DB("empty", create_if_missing=True).raw_iterator().valid()
        False
        """
        if self._db is None or self._db._closed:
            raise closed()
        return self._item is not None

    def key(self) -> bytes:
        """The key of the entry."""
        return self.item()[0]

    def value(self) -> bytes:
        """The value of the entry."""
        return self.item()[1]

    def item(self) -> Pair:
        """The entry.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("letters", create_if_missing=True)
        >>> db.put(b"a", b"A")
        >>> iterator = db.raw_iterator()
        >>> iterator.seek(b"a")
        >>> iterator.item(), iterator.key(), iterator.value()
        ((b'a', b'A'), b'a', b'A')
        """
        if self._db is None or self._db._closed:
            raise closed()
        if self._item is None:
            raise IteratorInvalidError("the iterator stands on no entry")
        return self._item

    def next(self) -> None:
        """Moves to the next entry."""
        if self._item is None:
            self.item()
        self._item = next(self._roamer, None)

    def prev(self) -> None:
        """Moves to the entry before."""
        self.item()
        self._item, _passed = None, self._roamer.prev()
        self._before()

    def seek_to_first(self) -> None:
        """Moves to the first entry."""
        self._roamer.seek_to_start()
        self._item = next(self._roamer, None)

    def seek_to_last(self) -> None:
        """Moves to the last entry."""
        self._roamer.seek_to_stop()
        self._before()

    def seek(self, target: Buffer) -> None:
        """Moves to the first entry whose key is `target` or behind it."""
        self._roamer.seek(target)
        self._item = next(self._roamer, None)

    def close(self) -> None:
        """Lets go of what the iterator sees."""
        self._roamer.close()
        self._item = self._db = None

    def _before(self) -> None:
        try:
            self._roamer.prev()
        except StopIteration:
            self._item = None
        else:
            self._item = next(self._roamer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
