"""Ranges and batches whose keys and values go through codecs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, Union, cast

from lsmdb.codecs._codec import Codec, PrefixCodec, wrong_type

if TYPE_CHECKING:
    from lsmdb._native import Batch, Keyspace, Range, Snapshot
    from lsmdb._options import Moment, Ttl
    from lsmdb._progress import Bar, Told
    from lsmdb._usage import Estimate

K = TypeVar("K")
V = TypeVar("V")
# A tuple that is shorter than the keys stands in front of all keys that begin with it.
Bound = Union[K, tuple[Any, ...], None]


class Coding(NamedTuple, Generic[K, V]):
    """What makes bytes of keys and values, and keys and values of bytes."""

    keys: Codec[K]
    values: Codec[V]

    def pair(self, key: K, value: V) -> tuple[bytes, bytes]:
        return self.keys.encode(key), self.values.encode(value)

    def read(self, pair: tuple[bytes, bytes] | None) -> tuple[K, V] | None:
        """A key and its value, where there is one."""
        return pair and (self.keys.decode(pair[0]), self.values.decode(pair[1]))

    def bound(self, bound: Any) -> bytes | None:
        """Where a range begins or ends. The beginning of a key will do, if keys have one."""
        if bound is None:
            return None
        if isinstance(bound, tuple) and isinstance(self.keys, PrefixCodec):
            return self.keys.encode_prefix(bound)
        return self.keys.encode(bound)

    def prefix(self, prefix: Any) -> bytes:
        if not isinstance(self.keys, PrefixCodec):
            raise wrong_type("a key of a kind that begins with others", prefix)
        return self.keys.encode_prefix(prefix)

    def bounds(self, keys: slice[Any, Any, Any]) -> tuple[bytes | None, bytes | None]:
        if keys.step is not None:
            raise ValueError("a slice of keys has no step: reverse=True goes backwards")
        return self.bound(keys.start), self.bound(keys.stop)


class TypedRange(Generic[K, V]):
    """Keys and values between two bounds, in order. Nothing is read before it is asked for.

    It can be gone over again and again; each time it is what the database holds then.
    """

    __slots__ = ("_coding", "_range")

    def __init__(self, found: Range, coding: Coding[K, V]) -> None:
        self._range = found
        self._coding = coding

    @property
    def source(self) -> Range:
        """The range in bytes."""
        return self._range

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self._pairs(iter(self._range))

    def __reversed__(self) -> Iterator[tuple[K, V]]:
        return self._pairs(reversed(self._range))

    def __getitem__(self, key: K, /) -> V:
        return self._coding.values.decode(self._range[self._coding.keys.encode(key)])

    def __contains__(self, key: object, /) -> bool:
        return self._coding.keys.encode(cast(K, key)) in self._range

    def _pairs(self, pairs: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[K, V]]:
        key, value = self._coding.keys.decode, self._coding.values.decode
        return ((key(left), value(right)) for left, right in pairs)

    def keys(self) -> Iterator[K]:
        """Goes over the keys alone."""
        return map(self._coding.keys.decode, self._range.keys())

    def values(self) -> Iterator[V]:
        """Goes over the values alone."""
        return map(self._coding.values.decode, self._range.values())

    def items(self) -> Iterator[tuple[K, V]]:
        """Goes over keys and values, as the range itself does."""
        return iter(self)

    def chunks(self, size: int = 1024) -> Iterator[list[tuple[K, V]]]:
        """Lists of at most `size` pairs."""
        return (list(self._pairs(iter(chunk))) for chunk in self._range.chunks(size))

    def first(self) -> tuple[K, V] | None:
        """Gives the first key and its value, or None if there is none."""
        return self._coding.read(self._range.first())

    def last(self) -> tuple[K, V] | None:
        """Gives the last key and its value, or None if there is none."""
        return self._coding.read(self._range.last())

    def count(self, *, progress: Told | Bar | None = None) -> int:
        """How many there are. Reads all keys of the range."""
        return self._range.count(progress=progress)

    def approximate_bytes(self) -> int:
        """About how much the range takes on the disk. Reads no data."""
        return self._range.approximate_bytes()

    def approximate_count(self) -> Estimate:
        """About how many keys the range has, with bounds. Of large ranges both ends are read."""
        return self._range.approximate_count()

    def approximate_size(self) -> Estimate:
        """About how much the range takes on the disk, with bounds."""
        return self._range.approximate_size()

    def split(self, parts: int) -> list[TypedRange[K, V]]:
        """The range as at most `parts` ranges of about the same size, one after the other."""
        return [TypedRange(part, self._coding) for part in self._range.split(parts)]

    def __repr__(self) -> str:
        return f"TypedRange({self._range!r})"


class TypedBatch(Generic[K, V]):
    """A batch as a view of one keyspace writes into it. Committing is the batch's own affair."""

    __slots__ = ("_batch", "_coding", "_keyspace")

    def __init__(self, batch: Batch, keyspace: Keyspace | None, coding: Coding[K, V]) -> None:
        self._batch = batch
        self._keyspace = keyspace
        self._coding = coding

    def put(
        self, key: K, value: V, *, ttl: Ttl | None = None, expires_at: Moment | None = None
    ) -> None:
        """Gives the key a value, once the batch commits."""
        pair = self._coding.pair(key, value)
        self._batch.put(*pair, keyspace=self._keyspace, ttl=ttl, expires_at=expires_at)

    def delete(self, key: K) -> None:
        """Deletes the key, or nothing if it is not there. It is not looked for."""
        self._batch.delete(self._coding.keys.encode(key), keyspace=self._keyspace)

    def single_delete(self, key: K) -> None:
        """Deletes the key, for less room in a keyspace with `write_once`."""
        self._batch.single_delete(self._coding.keys.encode(key), keyspace=self._keyspace)

    def delete_range(self, start: Bound[K], stop: Bound[K]) -> None:
        """Deletes what lies at `start` or behind it, and in front of `stop`."""
        bound = self._coding.bound
        self._batch.delete_range(bound(start), bound(stop), keyspace=self._keyspace)

    def require_absent(self, key: K) -> None:
        """Has the batch written only if the key has no value then."""
        self._batch.require_absent(self._coding.keys.encode(key), keyspace=self._keyspace)

    def require_value(self, key: K, value: V) -> None:
        """Has the batch written only if the key has this value then, byte by byte."""
        self._batch.require_value(*self._coding.pair(key, value), keyspace=self._keyspace)

    def require_unchanged(self, key: K, snapshot: Snapshot) -> None:
        """Has the batch written only if nobody has written to the key since the snapshot."""
        data = self._coding.keys.encode(key)
        self._batch.require_unchanged(data, snapshot, keyspace=self._keyspace)

    __setitem__ = put

    def __delitem__(self, key: K | slice[Any, Any, Any]) -> None:
        if isinstance(key, slice):
            start, stop = self._coding.bounds(key)
            self._batch.delete_range(start, stop, keyspace=self._keyspace)
        else:
            self.delete(key)
