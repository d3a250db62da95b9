"""What an iterator goes over, and how: a part of the pairs as they were at one moment."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator as Steps
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn, Self

if TYPE_CHECKING:
    from typing_extensions import Buffer

    import lsmdb

    View = lsmdb.Keyspace | lsmdb.KeyspaceView

Cut = Callable[[Any], Any]
Pair = tuple[bytes, bytes]


class Shut:
    """What a closed iterator moves over."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> NoReturn:
        raise RuntimeError("Database or iterator is closed")


SHUT = Shut()


class Walk:
    """Steps of a cursor in the direction of a loop. Behind the end it may turn back."""

    __slots__ = ("_back", "_forth", "_has_value", "cursor")

    def __init__(self, cursor: lsmdb.Cursor, reverse: bool, has_value: bool) -> None:
        self.cursor, self._has_value = cursor, has_value
        moves = (cursor.next, cursor.prev)
        self._back, self._forth = moves if reverse else moves[::-1]

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Pair | bytes:
        return self._step(self._forth)

    def back(self) -> Pair | bytes:
        """The other way."""
        return self._step(self._back)

    def _step(self, move: Callable[[], Pair | None]) -> Pair | bytes:
        pair = move()
        if pair is None:
            raise StopIteration
        return pair if self._has_value else pair[0]


class Bounds:
    """A part of the keys: half open, as the engine has it."""

    __slots__ = ("start", "stop")

    def __init__(self, start: bytes | None, stop: bytes | None) -> None:
        self.start, self.stop = start, stop

    @classmethod
    def of_prefix(cls, prefix: bytes) -> Self:
        """The keys that begin so."""
        return cls(prefix or None, behind(prefix))

    @classmethod
    def between(
        cls, within: bytes, start: Buffer | None, stop: Buffer | None, ends: tuple[bool, bool]
    ) -> Self:
        """The keys that begin with `within`, then lie from start to stop; `ends` is whether these
        two themselves belong to them."""
        has_start, has_stop = ends
        first, last = within or None, behind(within)
        if start is not None:
            first = within + start + (b"" if has_start else b"\0")
        if stop is not None:
            last = within + stop + (b"\0" if has_stop else b"")
        return cls(first, last)


def behind(prefix: bytes) -> bytes | None:
    """The first bytes behind all that begin so; `None` if nothing can lie behind them."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


@dataclass(frozen=True, slots=True)
class Scope:
    """What an iterator goes over: a part of the pairs as they were at one moment."""

    view: View
    bounds: Bounds
    prefix: bytes
    reverse: bool
    has_value: bool

    def _range(self, reverse: bool) -> lsmdb.Range:
        return self.view.range(self.bounds.start, self.bounds.stop, reverse=reverse)

    def steps(self) -> Steps[Pair | bytes]:
        """All of it in the direction of the iterator, and no way back."""
        range = self._range(self.reverse)
        return iter(range) if self.has_value else range.keys()

    def walk(self, passed: Pair | bytes | None) -> Walk:
        """A walk that has just passed that pair or key, or nothing yet."""
        cursor = self._range(False).cursor(keys_only=not self.has_value)
        if passed is not None:
            cursor.seek(passed if isinstance(passed, bytes) else passed[0])
            if not self.reverse:
                cursor.next()
        elif self.reverse:
            cursor.seek_last()
        return Walk(cursor, self.reverse, self.has_value)


def cutter(has_key: bool, has_value: bool, skipped: int) -> Cut | None:
    """Makes what an iterator answers out of what it passes: a pair, or the key alone where values
    are not asked for. `skipped` bytes are too many in front of the key."""
    if not has_key:
        return itemgetter(1) if has_value else lambda _key: None
    if not skipped:
        return None
    if has_value:
        return lambda pair: (pair[0][skipped:], pair[1])
    return itemgetter(slice(skipped, None))
