"""Mappings over a database whose keys and values are what codecs make of its bytes."""

from __future__ import annotations

from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    ValuesView,
)
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, cast, overload

from lsmdb._explain import Explanation
from lsmdb._native import Batch, Readable, Writable
from lsmdb._pairs import pairs
from lsmdb.codecs._codec import Codec, shown
from lsmdb.codecs._range import Bound, Coding, TypedBatch, TypedRange
from lsmdb.codecs._shorthand import key_codec, value_codec

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from lsmdb._native import Snapshot
    from lsmdb._options import Durability, Moment, Ttl
    from lsmdb._progress import Bar, Told
    from lsmdb._usage import Estimate, Usage

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
_MISSING: Any = object()


class TypedReader(Mapping[K, V]):
    """What can be read of a database, a keyspace, a snapshot or a view, as a sorted mapping.

    Keys that are not there raise KeyError, as with dict. Unlike with dict, a key that the codec
    cannot encode raises TypeError or ValueError, from `in` too: it could never be there.

    `len(view)` reads all keys, and Python asks for it before `list(view)`; `approximate_count()`
    reads none. Each loop goes over one state of the database, whatever is written meanwhile.
    """

    __slots__ = ("_coding", "_decode", "_encode", "_source")

    def __init__(self, source: Readable, coding: Coding[K, V]) -> None:
        self._source: Any = source
        self._coding = coding
        self._encode = coding.keys.encode
        self._decode = coding.values.decode

    @property
    def source(self) -> Any:
        """What the view stands on, in bytes."""
        return self._source

    @property
    def codecs(self) -> tuple[Codec[K], Codec[V]]:
        """The codecs of keys and of values."""
        return self._coding.keys, self._coding.values

    @overload
    def __getitem__(self, key: slice[Any, Any, Any], /) -> TypedRange[K, V]: ...
    @overload
    def __getitem__(self, key: K, /) -> V: ...
    def __getitem__(self, key: Any, /) -> Any:
        if isinstance(key, slice):
            return self._range(*self._coding.bounds(key))
        data = self._source.get(self._encode(key))
        if data is None:
            raise KeyError(key)
        return self._decode(data)

    def __contains__(self, key: object, /) -> bool:
        return self._encode(cast(K, key)) in self._source

    def __iter__(self) -> Iterator[K]:
        return map(self._coding.keys.decode, self._source)

    def __reversed__(self) -> Iterator[K]:
        return map(self._coding.keys.decode, reversed(self._source))

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return self._source.first() is not None

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, default: V | D, /) -> V | D: ...
    def get(self, key: K, default: Any = None, /) -> Any:
        """Gives the value of a key, or `default` if it is not there."""
        data = self._source.get(self._encode(key))
        return default if data is None else self._decode(data)

    def expires_at(self, key: K, /) -> float | None:
        """When the value of the key expires, in seconds since 1970; None if it never does.
        `KeyError` if there is none."""
        moment: float | None = self._source.expires_at(self._encode(key))
        return moment

    def ttl(self, key: K, /) -> float | None:
        """How many seconds the value of the key has to live; None if it does for ever. `KeyError`
        if there is none."""
        seconds: float | None = self._source.ttl(self._encode(key))
        return seconds

    @overload
    def get_many(self, keys: Iterable[K], /) -> list[V | None]: ...
    @overload
    def get_many(self, keys: Iterable[K], default: D, /) -> list[V | D]: ...
    def get_many(self, keys: Iterable[K], default: Any = None, /) -> list[Any]:
        """The values of many keys, read at one moment and faster than one by one."""
        found = self._source.get_many(map(self._encode, keys))
        return [default if data is None else self._decode(data) for data in found]

    def keys(self) -> TypedKeys[K, V]:
        """A view of the keys, in order, as that of a dict."""
        return TypedKeys(self)

    def values(self) -> TypedValues[K, V]:
        """A view of the values, in the order of their keys."""
        return TypedValues(self)

    def items(self) -> TypedItems[K, V]:
        """A view of the keys with their values, in order."""
        return TypedItems(self)

    def range(
        self, start: Bound[K] = None, stop: Bound[K] = None, *, reverse: bool = False
    ) -> TypedRange[K, V]:
        """What lies at `start` or behind it, and in front of `stop`."""
        bound = self._coding.bound
        return self._range(bound(start), bound(stop), reverse=reverse)

    def prefix(self, prefix: K | tuple[Any, ...], *, reverse: bool = False) -> TypedRange[K, V]:
        """What has a key that begins with `prefix`: a string, bytes, or the first of a tuple."""
        found = self._source.prefix(self._coding.prefix(prefix), reverse=reverse)
        return TypedRange(found, self._coding)

    def _range(
        self, start: bytes | None, stop: bytes | None, *, reverse: bool = False
    ) -> TypedRange[K, V]:
        return TypedRange(self._source.range(start, stop, reverse=reverse), self._coding)

    def first(self) -> tuple[K, V] | None:
        """Gives the first key and its value, or None if there is none."""
        return self._coding.read(self._source.first())

    def last(self) -> tuple[K, V] | None:
        """Gives the last key and its value, or None if there is none."""
        return self._coding.read(self._source.last())

    def count(self, *, progress: Told | Bar | None = None) -> int:
        """How many keys there are. Reads all of them."""
        return int(self._source.count(progress=progress))

    def explain_get(self, key: K, /) -> Explanation:
        """Looks a key up, and tells what was asked, what each place said, and what it cost. The key
        in it is the encoded one."""
        return cast(Explanation, self._source.explain_get(self._encode(key)))

    def explain_range(
        self,
        start: Bound[K] = None,
        stop: Bound[K] = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
        progress: Told | Bar | None = None,
        timeout: float | None = None,
    ) -> Explanation:
        """Walks through a range, and tells what was read, what was passed over, and what it cost.
        Keys in it are the encoded ones."""
        bound = self._coding.bound
        told = self._source.explain_range(
            bound(start),
            bound(stop),
            reverse=reverse,
            limit=limit,
            progress=progress,
            timeout=timeout,
        )
        return cast(Explanation, told)

    def approximate_count(self) -> Estimate:
        """About how many keys there are, with bounds. Reads little of the data."""
        count: Estimate = self._source.approximate_count()
        return count

    def __repr__(self) -> str:
        keys, values = map(shown, self.codecs)
        return f"{type(self).__name__}({self._source!r}, key={keys}, value={values})"


class Typed(TypedReader[K, V], MutableMapping[K, V]):
    """A database or keyspace as a sorted `MutableMapping`, to be read and written.

    `del view[key]`, `pop` and `setdefault` look before they write, as a mapping must: two threads
    that do so with one key may both see what was there before. `delete` does not look.
    """

    __slots__ = ()

    def __setitem__(self, key: K, value: V, /) -> None:
        self._source[self._encode(key)] = self._coding.values.encode(value)

    def __delitem__(self, key: K | slice[Any, Any, Any], /) -> None:
        if isinstance(key, slice):
            del self._source[slice(*self._coding.bounds(key))]
            return
        data = self._encode(key)
        if data not in self._source:
            raise KeyError(key)
        del self._source[data]

    def usage(self) -> Usage:
        """What the keyspace takes, in bytes as they are stored; see `lsmdb.Writable.usage`."""
        usage: Usage = self._source.usage()
        return usage

    def put(
        self,
        key: K,
        value: V,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """Gives the key a value, with choices that `view[key] = value` has no room for."""
        pair = self._coding.pair(key, value)
        how: dict[str, Any] = {"timeout": timeout, "low_priority": low_priority}
        self._source.put(*pair, durability=durability, ttl=ttl, expires_at=expires_at, **how)

    def merge(
        self,
        key: K,
        operand: V,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
    ) -> None:
        """Applies an operand, encoded as values are, to the value of the key, or to none, by the
        keyspace's merge operator, and reads nothing for that."""
        pair = self._coding.pair(key, operand)
        how: dict[str, Any] = {"timeout": timeout, "low_priority": low_priority}
        self._source.merge(*pair, durability=durability, ttl=ttl, expires_at=expires_at, **how)

    def touch(
        self,
        key: K,
        *,
        ttl: Ttl | None = None,
        expires_at: Moment | None = None,
        durability: Durability | None = None,
    ) -> bool:
        """Lets the value that the key has expire at another moment, or never: with `math.inf`.
        Answers whether there was one."""
        how: dict[str, Any] = {"ttl": ttl, "expires_at": expires_at}
        return bool(self._source.touch(self._encode(key), durability=durability, **how))

    def delete(
        self,
        key: K,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Deletes the key, or nothing if it is not there. It is not looked for."""
        data = self._encode(key)
        self._source.delete(data, durability=durability, timeout=timeout, low_priority=low_priority)

    def single_delete(
        self,
        key: K,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Deletes the key, for less room in a keyspace with `write_once`."""
        how: dict[str, Any] = {"timeout": timeout, "low_priority": low_priority}
        self._source.single_delete(self._encode(key), durability=durability, **how)

    def delete_range(
        self,
        start: Bound[K],
        stop: Bound[K],
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> None:
        """Deletes what lies at `start` or behind it, and in front of `stop`."""
        bounds = self._coding.bound(start), self._coding.bound(stop)
        self._source.delete_range(
            *bounds, durability=durability, timeout=timeout, low_priority=low_priority
        )

    def update(self, other: Any = (), /, **others: V) -> None:
        """Writes all pairs, or nothing if one of them cannot be encoded."""
        encoded = [self._coding.pair(*pair) for pair in pairs(other)]
        encoded += [self._coding.pair(cast(K, key), value) for key, value in others.items()]
        self._source.update(encoded)

    def insert_if_absent(
        self,
        key: K,
        value: V,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
        ttl: Ttl | None = None,
    ) -> bool:
        """Gives the key a value if it has none. Answers whether it did."""
        pair = self._coding.pair(key, value)
        how: dict[str, Any] = {"timeout": timeout, "low_priority": low_priority, "ttl": ttl}
        return bool(self._source.insert_if_absent(*pair, durability=durability, **how))

    def fetch_update(
        self,
        key: K,
        update: Callable[[V | None], V | None],
        /,
        *,
        durability: Durability | None = None,
        timeout: float | None = None,
        low_priority: bool = False,
    ) -> V | None:
        """Replaces the value of the key by what `update` makes of it, and gives the value before;
        None stands for no value on both sides. `update` is called again if somebody else was
        faster."""

        def recoded(old: bytes | None) -> Buffer | None:
            new = update(None if old is None else self._decode(old))
            return None if new is None else self._coding.pair(key, new)[1]

        before = self._source.fetch_update(
            self._encode(key),
            recoded,
            durability=durability,
            timeout=timeout,
            low_priority=low_priority,
        )
        return None if before is None else self._decode(before)

    def put_many(
        self,
        items: Mapping[K, V] | Iterable[tuple[K, V]],
        /,
        *,
        durability: Durability | None = None,
        progress: Told | Bar | None = None,
    ) -> int:
        """Writes pairs in batches as they come, however many, and answers their number.

        Each batch is all or nothing; the whole is not.
        """
        encoded = (self._coding.pair(*pair) for pair in pairs(items))
        return int(self._source.put_many(encoded, durability=durability, progress=progress))

    def into(self, batch: Batch, /) -> TypedBatch[K, V]:
        """Writes into a batch, beside what others put there.

        >>> from lsmdb import codecs
        >>> ages = codecs.typed(db.keyspace("ages"), key=str, value=int)
        >>> with db.batch() as batch:
        ...     ages.into(batch)["ada"] = 36
        ...     batch[b"log"] = b"ada came"
        >>> ages["ada"]
        36
        """
        # A database stands for its default keyspace, as batches do of themselves.
        keyspace = getattr(self._source, "default", self._source)
        return TypedBatch(batch, keyspace, self._coding)

    def at(self, snapshot: Snapshot, /) -> TypedReader[K, V]:
        """The same keyspace as the snapshot sees it."""
        return TypedReader(self._source.at(snapshot), self._coding)

    @overload
    def pop(self, key: K, /) -> V: ...
    @overload
    def pop(self, key: K, default: V | D, /) -> V | D: ...
    def pop(self, key: K, default: Any = _MISSING, /) -> Any:
        """Takes a key away and gives its value; without it `default`, or KeyError."""
        data = self._source.pop(self._encode(key), None)
        if data is not None:
            return self._decode(data)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def popitem(self) -> tuple[K, V]:
        """Takes the first key and its value away. KeyError if there is none."""
        key, value = self._source.popitem()
        return self._coding.keys.decode(key), self._decode(value)

    def clear(self) -> None:
        """Takes all keys away."""
        self._source.clear()

    def __ior__(self, other: Mapping[K, V] | Iterable[tuple[K, V]]) -> Self:
        self.update(other)
        return self


class TypedKeys(KeysView[K], Generic[K, V]):
    """The keys of a view, in order."""

    _mapping: TypedReader[K, V]

    def __init__(self, view: TypedReader[K, V]) -> None:
        super().__init__(view)

    def __reversed__(self) -> Iterator[K]:
        return reversed(self._mapping)


class TypedItems(ItemsView[K, V]):
    """The keys of a view with their values, in order."""

    _mapping: TypedReader[K, V]

    def __init__(self, view: TypedReader[K, V]) -> None:
        super().__init__(view)

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return iter(self._mapping.range())

    def __reversed__(self) -> Iterator[tuple[K, V]]:
        return reversed(self._mapping.range())


class TypedValues(ValuesView[V], Generic[K, V]):
    """The values of a view, in the order of their keys."""

    _mapping: TypedReader[K, V]

    def __init__(self, view: TypedReader[K, V]) -> None:
        super().__init__(view)

    def __contains__(self, value: object) -> bool:
        return any(found is value or found == value for found in self)

    def __iter__(self) -> Iterator[V]:
        return self._mapping.range().values()

    def __reversed__(self) -> Iterator[V]:
        return (value for _, value in reversed(self._mapping.range()))


@overload
def typed(
    source: Writable, /, *, key: type[K] | Codec[K], value: type[V] | Codec[V]
) -> Typed[K, V]: ...
@overload
def typed(
    source: Writable, /, *, key: type[K] | Codec[K], value: ModuleType
) -> Typed[K, Any]: ...
@overload
def typed(
    source: Readable, /, *, key: type[K] | Codec[K], value: type[V] | Codec[V]
) -> TypedReader[K, V]: ...
@overload
def typed(
    source: Readable, /, *, key: type[K] | Codec[K], value: ModuleType
) -> TypedReader[K, Any]: ...
def typed(source: Any, /, *, key: Any, value: Any) -> TypedReader[Any, Any]:
    """A view of `source` with typed keys and values; one to write with, if `source` is written.

    Keys and values are given as types (`str`, `int`, `tuple[str, int]`), values also as modules
    (`json`), and both as codecs of any kind.

    >>> from lsmdb import codecs
    >>> ages = codecs.typed(db, key=str, value=int)
    >>> ages.update(bob=41, ada=36)
    >>> ages["ada"], list(ages), 41 in ages.values()
    (36, ['ada', 'bob'], True)
    >>> ages["ada"] = "old"
    Traceback (most recent call last):
    lsmdb.codecs._codec.WrongType: int is wanted here, not str
    """
    if isinstance(source, Batch):
        raise TypeError("a batch is written by way of a view: typed(db, ...).into(batch)")
    if not isinstance(source, Readable):
        wanted = "a database, a keyspace or a view of one"
        raise TypeError(f"a typed view is of {wanted}, not {type(source).__name__}")
    coding = Coding(key_codec(key), value_codec(value))
    view = Typed if isinstance(source, Writable) else TypedReader
    return view(source, coding)
