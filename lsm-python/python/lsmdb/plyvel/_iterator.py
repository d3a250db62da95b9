"""Iterators: one for loops that may turn back, and one that stands on entries.

While only `next` is asked for, entries come from an iterator of lsmdb's, which fetches many at a
time. The first move of another kind takes a cursor to the same place of the same snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator as Steps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lsmdb import _errors as engine
from lsmdb.plyvel._errors import IteratorInvalidError, telling, told
from lsmdb.plyvel._scope import SHUT, Cut, Pair, Scope, Walk

if TYPE_CHECKING:
    from typing_extensions import Buffer

    import lsmdb
    from lsmdb.plyvel._db import DB
    from lsmdb.plyvel._scope import View


class BaseIterator:
    """What both iterators share: they can be closed, and are when their database is."""

    __slots__ = ("__weakref__",)

    def close(self) -> None:
        """Lets go of what the iterator sees.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("closed", create_if_missing=True)
        >>> iterator = db.iterator()
        >>> iterator.close()
        >>> next(iterator)
        Traceback (most recent call last):
        RuntimeError: Database or iterator is closed
        """
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Iterator(BaseIterator):
    """Goes over a part of a database, both ways. `DB.iterator` makes it.

    It stands between two entries. `next` passes the one ahead of it and answers it; `prev` passes
    the one it has behind it. With `reverse=True`, ahead is towards the smaller keys.

    >>> from lsmdb import plyvel
    >>> db = plyvel.DB("letters", create_if_missing=True)
    >>> for letter in (b"a", b"b", b"c"):
    ...     db.put(letter, letter.upper())
    >>> iterator = db.iterator(include_value=False)
    >>> next(iterator), next(iterator), iterator.prev(), next(iterator)
    (b'a', b'b', b'b', b'b')
    """

    __slots__ = ("_ahead", "_cut", "_db", "_passed", "_scope")

    def __init__(self, db: DB, scope: Scope, cut: Cut | None) -> None:
        # The database is not closed while somebody iterates over it.
        self._db: DB | None = db
        self._scope, self._cut = scope, cut
        self._passed: Pair | bytes | None = None
        self._ahead: Steps[Pair | bytes] = scope.steps()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            self._passed = pair = next(self._ahead)
        except engine.Error as error:
            raise told(error) from error
        return pair if self._cut is None else self._cut(pair)

    def prev(self) -> Any:
        """Moves one step back and answers the entry that it passed; StopIteration at the end
        where the iterator began.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("letters", create_if_missing=True)
        >>> db.put(b"a", b"A")
        >>> iterator = db.iterator()
        >>> next(iterator), iterator.prev()
        ((b'a', b'A'), (b'a', b'A'))
        """
        with telling():
            pair = self._walk().back()
        return pair if self._cut is None else self._cut(pair)

    def seek(self, target: Buffer) -> None:
        """Moves in front of the first key that is `target` or behind it, within the iterator's
        part of the keys.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("letters", create_if_missing=True)
        >>> db.put(b"c", b"C")
        >>> iterator = db.iterator()
        >>> iterator.seek(b"b")
        >>> next(iterator)
        (b'c', b'C')
        """
        with telling():
            self._walk().cursor.seek(self._scope.prefix + target)

    def seek_to_start(self) -> None:
        """Moves in front of the smallest key of the iterator's part, in whichever direction it
        goes.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("letters", create_if_missing=True)
        >>> db.put(b"a", b"A")
        >>> iterator = db.iterator()
        >>> list(iterator)
        [(b'a', b'A')]
        >>> iterator.seek_to_start()
        >>> list(iterator)
        [(b'a', b'A')]
        """
        with telling():
            self._walk().cursor.seek_first()

    def seek_to_stop(self) -> None:
        """Moves behind the largest key of the iterator's part, in whichever direction it goes.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("letters", create_if_missing=True)
        >>> db.put(b"z", b"Z")
        >>> iterator = db.iterator()
        >>> iterator.seek_to_stop()
        >>> iterator.prev()
        (b'z', b'Z')
        """
        with telling():
            self._walk().cursor.seek_last()

    def close(self) -> None:
        self._ahead, self._db, self._passed = SHUT, None, None

    close.__doc__ = BaseIterator.close.__doc__

    def _walk(self) -> Walk:
        """A walk that stands where the iterator stands."""
        if isinstance(self._ahead, Walk):
            return self._ahead
        if self._ahead is SHUT:
            next(SHUT)
        self._ahead = walk = self._scope.walk(self._passed)
        return walk


class RawIterator(BaseIterator):
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

    __slots__ = ("_cursor", "_db", "_is_behind", "_item")

    def __init__(self, db: DB, view: View) -> None:
        self._db: DB | None = db
        self._cursor: lsmdb.Cursor | None = view.range().cursor()
        self._item: Pair | None = None
        # The cursor stands in a gap: behind the entry, or in front of it.
        self._is_behind = True

    def valid(self) -> bool:
        """True if it stands on an entry.

        >>> from lsmdb import plyvel
        >>> plyvel.DB("empty", create_if_missing=True).raw_iterator().valid()
        False
        """
        self._open()
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
        self._open()
        if self._item is None:
            raise IteratorInvalidError("the iterator stands on no entry")
        return self._item

    def next(self) -> None:
        """Moves to the next entry."""
        self.item()
        with telling():
            if not self._is_behind:
                self._open().next()
            self._item, self._is_behind = self._open().next(), True

    def prev(self) -> None:
        """Moves to the entry before."""
        self.item()
        with telling():
            if self._is_behind:
                self._open().prev()
            self._item, self._is_behind = self._open().prev(), False

    def seek_to_first(self) -> None:
        """Moves to the first entry."""
        with telling():
            self._item, self._is_behind = self._open().seek_first().next(), True

    def seek_to_last(self) -> None:
        """Moves to the last entry."""
        with telling():
            self._item, self._is_behind = self._open().seek_last().prev(), False

    def seek(self, target: Buffer) -> None:
        """Moves to the first entry whose key is `target` or behind it."""
        with telling():
            self._item, self._is_behind = self._open().seek(target).next(), True

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
        self._cursor = self._item = self._db = None

    close.__doc__ = BaseIterator.close.__doc__

    def _open(self) -> lsmdb.Cursor:
        if self._cursor is None:
            raise RuntimeError("Database or iterator is closed")
        return self._cursor
