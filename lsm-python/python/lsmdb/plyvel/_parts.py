"""Parts of a database: those keys that begin alike, and what was there at one moment."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from lsmdb import _errors as engine
from lsmdb.plyvel._batch import WriteBatch
from lsmdb.plyvel._errors import copied, telling, told
from lsmdb.plyvel._iterator import RawIterator
from lsmdb.plyvel._source import Source

if TYPE_CHECKING:
    from typing_extensions import Buffer

    import lsmdb
    from lsmdb.plyvel._db import DB
    from lsmdb.plyvel._source import View

_T = TypeVar("_T")


class PrefixedDB(Source):
    """The part of a database whose keys begin alike; the beginning is added to the keys that go in
    and taken off those that come out. `DB.prefixed_db` makes it.

    >>> from lsmdb import plyvel
    >>> db = plyvel.DB("all", create_if_missing=True)
    >>> users = db.prefixed_db(b"users/")
    >>> users.put(b"ada", b"1815")
    >>> list(users), list(db)
    ([(b'ada', b'1815')], [(b'users/ada', b'1815')])
    """

    def __init__(self, db: DB, *, prefix: Buffer) -> None:
        self._db, self._prefix = db, copied(prefix)

    @property
    def db(self) -> DB:
        """The whole database."""
        return self._db

    @property
    def prefix(self) -> bytes:
        """How the keys begin."""
        return self._prefix

    @overload
    def get(
        self, key: Buffer, *, verify_checksums: bool = ..., fill_cache: bool = ...
    ) -> bytes | None: ...
    @overload
    def get(
        self, key: Buffer, default: _T, *, verify_checksums: bool = ..., fill_cache: bool = ...
    ) -> bytes | _T: ...
    def get(
        self,
        key: Buffer,
        default: Any = None,
        *,
        verify_checksums: bool = False,
        fill_cache: bool = True,
    ) -> Any:
        """The value of the key, or `default` if there is none."""
        full = self._prefix + key
        return self._db.get(full, default, verify_checksums=verify_checksums, fill_cache=fill_cache)

    def put(self, key: Buffer, value: Buffer, *, sync: bool = False) -> None:
        """Gives the key this value; see `DB.put`."""
        self._db.put(self._prefix + key, value, sync=sync)

    def delete(self, key: Buffer, *, sync: bool = False) -> None:
        """Deletes the key, whether it is there or not."""
        self._db.delete(self._prefix + key, sync=sync)

    def write_batch(self, *, transaction: bool = False, sync: bool = False) -> WriteBatch:
        """A batch whose keys are of this part; see `DB.write_batch`."""
        return WriteBatch(self._db, self._prefix, transaction, sync)

    def snapshot(self) -> Snapshot:
        """What is in this part now, for reading it later."""
        return Snapshot(self._db, self._prefix)

    def prefixed_db(self, prefix: Buffer) -> PrefixedDB:
        """The part of this part whose keys begin so.

        >>> from lsmdb import plyvel
        >>> db = plyvel.DB("all", create_if_missing=True)
        >>> db.prefixed_db(b"users/").prefixed_db(b"admins/").prefix
        b'users/admins/'
        """
        return PrefixedDB(self._db, prefix=self._prefix + prefix)

    def _owner(self) -> DB:
        return self._db

    def _seen(self) -> View:
        return self._db._seen()

    def __repr__(self) -> str:
        return f"<lsmdb.plyvel.PrefixedDB with prefix {self._prefix!r} at {id(self):#x}>"


class Snapshot(Source):
    """What was in the database, or in a part of it, at one moment. `DB.snapshot` makes it.

    Its raw iterators go over the whole database, as plyvel's do.

    >>> from lsmdb import plyvel
    >>> db = plyvel.DB("users", create_if_missing=True)
    >>> db.put(b"ada", b"1815")
    >>> with db.snapshot() as snapshot:
    ...     db.delete(b"ada")
    ...     list(snapshot), list(db)
    ([(b'ada', b'1815')], [])
    """

    def __init__(self, db: DB, prefix: bytes) -> None:
        self._native: lsmdb.Snapshot | None = None
        db._check_open()
        with telling():
            self._native = db._native.snapshot()
            self._view = db._pairs.at(self._native)
        self._db, self._prefix = db, prefix

    @overload
    def get(
        self, key: Buffer, *, verify_checksums: bool = ..., fill_cache: bool = ...
    ) -> bytes | None: ...
    @overload
    def get(
        self, key: Buffer, default: _T, *, verify_checksums: bool = ..., fill_cache: bool = ...
    ) -> bytes | _T: ...
    def get(
        self,
        key: Buffer,
        default: Any = None,
        *,
        verify_checksums: bool = False,
        fill_cache: bool = True,
    ) -> Any:
        """The value that the key had, or `default` if there was none."""
        view = self._seen()
        try:
            return view.get(self._prefix + key, default)
        except engine.Error as error:
            raise told(error) from error

    def raw_iterator(
        self, *, verify_checksums: bool = False, fill_cache: bool = True
    ) -> RawIterator:
        """An iterator that stands on entries; see `DB.raw_iterator`."""
        return self._db._raw_iterator(self._seen())

    def close(self) -> None:
        """Lets go of what was there.

        >>> from lsmdb import plyvel
        >>> snapshot = plyvel.DB("users", create_if_missing=True).snapshot()
        >>> snapshot.close()
        >>> snapshot.get(b"ada")
        Traceback (most recent call last):
        RuntimeError: Database or snapshot is closed
        """
        native, self._native = self._native, None
        if native is not None:
            native.close()

    release = close

    def _owner(self) -> DB:
        return self._db

    def _seen(self) -> View:
        if self._native is None:
            raise RuntimeError("Database or snapshot is closed")
        return self._view

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
