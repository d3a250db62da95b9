"""What databases, parts of them and snapshots share: iterating."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsmdb.plyvel._errors import copied, telling
from lsmdb.plyvel._iterator import Iterator
from lsmdb.plyvel._scope import Bounds, Scope, cutter

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from lsmdb.plyvel._db import DB
    from lsmdb.plyvel._scope import View


class Source:
    """Something with pairs in it, whose keys have a prefix that is not shown."""

    _prefix: bytes = b""

    def _owner(self) -> DB:
        """The database."""
        raise NotImplementedError

    def _seen(self, verify: bool, fill: bool) -> View:
        """The pairs as an iterator that is made now sees them."""
        raise NotImplementedError

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
    ) -> Iterator:
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
        bounds = self._bounds(prefix, (start, stop), (include_start, include_stop))
        view = self._seen(verify_checksums, fill_cache)
        scope = Scope(view, bounds, self._prefix, bool(reverse), bool(include_value))
        with telling():
            cut = cutter(include_key, include_value, len(self._prefix))
            iterator = Iterator(self._owner(), scope, cut)
        self._owner()._used.add(iterator)
        return iterator

    def _bounds(
        self,
        prefix: Buffer | None,
        between: tuple[Buffer | None, Buffer | None],
        ends: tuple[bool, bool],
    ) -> Bounds:
        start, stop = (None if bound is None else copied(bound) for bound in between)
        if prefix is None:
            return Bounds.between(self._prefix, start, stop, ends)
        if start is not None or stop is not None:
            raise TypeError("'prefix' cannot be used together with 'start' or 'stop'")
        return Bounds.of_prefix(self._prefix + copied(prefix))

    def __iter__(self) -> Iterator:
        return self.iterator()

    # Without this `key in db` would look for the key among the pairs of a whole scan.
    __contains__ = None
