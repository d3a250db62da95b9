"""What databases, parts of them and snapshots share: iterating."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from lsmdb import _errors as engine
from lsmdb.plyvel._bounds import Bounds, between, of_prefix
from lsmdb.plyvel._errors import copied, told
from lsmdb.plyvel._iterator import Iterator, Pair

if TYPE_CHECKING:
    from typing_extensions import Buffer

    import lsmdb
    from lsmdb.plyvel._db import DB

    View = lsmdb.KeyspaceView

    class Part(TypedDict, total=False):
        """What an iterator is asked for besides the form of its items."""

        reverse: bool
        start: Buffer | None
        stop: Buffer | None
        include_start: bool
        include_stop: bool
        prefix: Buffer | None
        verify_checksums: bool
        fill_cache: bool


class Source:
    """Something with pairs in it, whose keys have a prefix that is not shown."""

    _prefix: bytes = b""

    def _owner(self) -> DB:
        """The database."""
        raise NotImplementedError

    def _seen(self) -> View:
        """The pairs as an iterator that is made now sees them."""
        raise NotImplementedError

    if TYPE_CHECKING:

        @overload
        def iterator(
            self,
            *,
            include_key: Literal[True] = ...,
            include_value: Literal[True] = ...,
            **part: Unpack[Part],
        ) -> Iterator[Pair]: ...
        @overload
        def iterator(
            self,
            *,
            include_key: Literal[True] = ...,
            include_value: Literal[False],
            **part: Unpack[Part],
        ) -> Iterator[bytes]: ...
        @overload
        def iterator(
            self,
            *,
            include_key: Literal[False],
            include_value: Literal[True] = ...,
            **part: Unpack[Part],
        ) -> Iterator[bytes]: ...
        @overload
        def iterator(
            self, *, include_key: bool = ..., include_value: bool = ..., **part: Unpack[Part]
        ) -> Iterator[Any]: ...

    def iterator(
        self,
        *,
        reverse: bool = False,
        start: Buffer | None = None,
        stop: Buffer | None = None,
        include_start: bool = True,
        include_stop: bool = False,
        prefix: Buffer | None = None,
        include_key: bool = True,
        include_value: bool = True,
        verify_checksums: bool = False,
        fill_cache: bool = True,
    ) -> Iterator[Any]:
        """An iterator over the keys from `start` to `stop`, or those that begin with `prefix`. It
        sees the pairs as they are now.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("letters", create_if_missing=True)
        >>> for letter in (b"a", b"b", b"c"):
        ...     db.put(letter, letter.upper())
        >>> list(db.iterator(start=b"a", stop=b"b", include_stop=True, include_key=False))
        [b'A', b'B']
        >>> list(db.iterator(prefix=b"b"))
        [(b'b', b'B')]
        >>> list(db.iterator(reverse=True, include_value=False))
        [b'c', b'b', b'a']
        """
        first, last = self._bounds(prefix, (start, stop), (include_start, include_stop))
        view = self._seen()
        shown = bool(include_key), bool(include_value)
        try:
            range = view.range(first, last, reverse=bool(reverse))
            iterator: Iterator[Any] = Iterator(range, shown, self._prefix, told)
        except engine.Error as error:
            raise told(error) from error
        iterator._db = self._owner()
        return iterator

    def _bounds(
        self,
        prefix: Buffer | None,
        within: tuple[Buffer | None, Buffer | None],
        ends: tuple[bool, bool],
    ) -> Bounds:
        start, stop = within
        if prefix is None:
            first = None if start is None else copied(start)
            last = None if stop is None else copied(stop)
            return between(self._prefix, first, last, ends)
        if start is not None or stop is not None:
            raise TypeError("'prefix' cannot be used together with 'start' or 'stop'")
        return of_prefix(self._prefix + copied(prefix))

    def __iter__(self) -> Iterator[Pair]:
        return self.iterator()

    # Without this `key in db` would look for the key among the pairs of a whole scan.
    __contains__ = None
