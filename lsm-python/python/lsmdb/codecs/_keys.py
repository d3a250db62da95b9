"""Keys of one value each, in bytes that are sorted as the values are.

A value has one form only: bytes that decode are those that encoding gives again. Most forms tell
where they end (`Part`), so that tuples can be put together from them.
"""

from __future__ import annotations

import operator
import struct
from abc import abstractmethod
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Generic, SupportsIndex, TypeVar
from uuid import UUID

from lsmdb.codecs._codec import EncodeError, Simple, damaged, wrong_type

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = TypeVar("T")
_FLIPPED = bytes(range(255, -1, -1))


class Bytes(Simple):
    """Bytes as they are. Anything with the buffer protocol goes in, `bytes` come out."""

    __slots__ = ()

    def encode(self, value: Buffer, /) -> bytes:
        """Gives the bytes themselves."""
        if type(value) is bytes:
            return value
        try:
            return memoryview(value).tobytes()
        except TypeError:
            raise wrong_type("bytes", value) from None

    def decode(self, data: bytes, /) -> bytes:
        """Gives the bytes themselves."""
        return data

    def encode_prefix(self, prefix: Buffer, /) -> bytes:
        """Gives the bytes themselves: they begin those that begin with them."""
        return self.encode(prefix)


class Str(Simple):
    """Text as UTF-8, sorted by code point as Python sorts it. Lone surrogates are refused."""

    __slots__ = ()

    def encode(self, value: str, /) -> bytes:
        """Gives the text in UTF-8."""
        if not isinstance(value, str):
            raise wrong_type("str", value)
        try:
            # Not by a method of its own, which what derives from str may have made anew.
            return str.encode(value)
        except UnicodeEncodeError as error:
            raise EncodeError(f"text that UTF-8 cannot say: {error.reason}") from None

    def decode(self, data: bytes, /) -> str:
        """Gives the text of bytes in UTF-8."""
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise damaged("text in UTF-8", data) from None

    def encode_prefix(self, prefix: str, /) -> bytes:
        """Gives the text in UTF-8, which begins that of each text that begins with it."""
        return self.encode(prefix)


class Part(Simple, Generic[T]):
    """A codec whose bytes tell where they end."""

    __slots__ = ()
    what: ClassVar[str]

    @abstractmethod
    def encode(self, value: T, /) -> bytes:
        """Gives the bytes of a value."""

    @abstractmethod
    def _take(self, data: bytes, at: int) -> tuple[T, int]:
        """The value whose bytes begin at `at`, and where they end."""

    def decode(self, data: bytes, /) -> T:
        """Gives the value that has exactly these bytes."""
        value, end = self._take(data, 0)
        if end != len(data):
            raise damaged(self.what, data)
        return value


class Fixed(Part[T]):
    """A codec of as many bytes for each value."""

    __slots__ = ()
    width: int

    @abstractmethod
    def _read(self, data: bytes, /) -> T:
        """The value of exactly `width` bytes."""

    def _take(self, data: bytes, at: int) -> tuple[T, int]:
        end = at + self.width
        return self.decode(data[at:end]), end

    def decode(self, data: bytes, /) -> T:
        """Gives the value that has exactly these bytes."""
        if len(data) != self.width:
            raise damaged(self.what, data)
        return self._read(data)


_LONG = 127


class Int(Part[int]):
    """Whole numbers of any size, both signs.

    A byte tells sign and length; behind it stand the digits in base 256, the highest first. From
    127 digits on, eight bytes between them hold the length. The bytes of `-n` are those of `n`
    with each bit flipped, so that they are sorted the other way round.

    >>> from lsmdb import codecs
    >>> [codecs.Int().encode(number).hex() for number in (-256, -1, 0, 1, 256)]
    ['7dfeff', '7efe', '80', '8101', '820100']
    """

    __slots__ = ()
    what = "a whole number"

    def encode(self, value: SupportsIndex, /) -> bytes:
        """Gives the bytes of a number, of anything that counts as an int does."""
        number = _index(value)
        size = (number.bit_length() + 7) >> 3
        if size >= _LONG:
            return _long(number, size)
        if number >= 0:
            return ((0x80 + size << 8 * size) + number).to_bytes(size + 1, "big")
        # Each bit flipped, of the head and of the digits.
        return ((0x80 - size << 8 * size) + number - 1).to_bytes(size + 1, "big")

    def _take(self, data: bytes, at: int) -> tuple[int, int]:
        try:
            head = data[at]
        except IndexError:
            raise damaged(self.what, data[at:]) from None
        size = head - 0x80 if head >= 0x80 else 0x7F - head
        if size == _LONG:
            return self._take_long(data, at)
        end = at + 1 + size
        number = int.from_bytes(data[at:end], "big") - (head << 8 * size)
        if head < 0x80:
            number += 1 - (1 << 8 * size)
        # One form for each number: no zeros in front, and none below zero.
        if end > len(data) or (number.bit_length() + 7) >> 3 != size or head == 0x7F:
            raise damaged(self.what, data[at:])
        return number, end

    def _take_long(self, data: bytes, at: int) -> tuple[int, int]:
        negative = data[at] == 0
        start = at + 9
        end = start + _digits(data[at + 1 : start], negative)
        number = _digits(data[start:end], negative)
        value = -number if negative else number
        if data[at:end] != self.encode(value):
            raise damaged(self.what, data[at:])
        return value, end


def _index(value: SupportsIndex) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise wrong_type("int", value) from None


def _digits(data: bytes, negative: bool) -> int:
    return int.from_bytes(data.translate(_FLIPPED) if negative else data, "big")


def _long(number: int, size: int) -> bytes:
    data = b"\xff" + size.to_bytes(8, "big") + abs(number).to_bytes(size, "big")
    return data if number >= 0 else data.translate(_FLIPPED)


class Unsigned(Fixed[int]):
    """Whole numbers from 0 up in a fixed number of bytes, the highest first.

    Smaller and faster than `Int` where the range is known, and what NumPy reads as `>u4`, `>u8`.
    """

    __slots__ = ("_end", "width")
    what = "an unsigned number"

    def __init__(self, width: int) -> None:
        if width < 1:
            raise ValueError("a width of at least one byte is wanted")
        self.width = width
        self._end = 1 << 8 * width

    def encode(self, value: SupportsIndex, /) -> bytes:
        """Gives the bytes of a number, which must fit."""
        number = _index(value)
        if not 0 <= number < self._end:
            raise EncodeError(f"{number} is not in 0..{self._end - 1}")
        return number.to_bytes(self.width, "big")

    def _read(self, data: bytes, /) -> int:
        return int.from_bytes(data, "big")

    def __repr__(self) -> str:
        return f"Unsigned({self.width})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Unsigned) and self.width == other.width

    def __hash__(self) -> int:
        return hash((Unsigned, self.width))


class Bool(Fixed[bool]):
    """False, then True, in one byte."""

    __slots__ = ()
    what = "a bool"
    width = 1

    def encode(self, value: bool, /) -> bytes:
        """Gives the byte of False or True."""
        if not isinstance(value, bool):
            raise wrong_type("bool", value)
        return b"\x01" if value else b"\x00"

    def _read(self, data: bytes, /) -> bool:
        if data > b"\x01":
            raise damaged(self.what, data)
        return data == b"\x01"


_DOUBLE = struct.Struct(">d")
_WORD = struct.Struct(">Q")
_SIGN = 1 << 63
_ALL = (1 << 64) - 1


class Float(Fixed[float]):
    """Numbers of eight bytes, from -inf to inf. An int goes in where a float can say it exactly.

    -0.0 equals 0.0 and so is the same key: it comes back as 0.0. NaN, which equals nothing and
    stands nowhere in the order, is refused; as a value it is welcome (`Double`).
    """

    __slots__ = ()
    what = "a float"
    width = 8

    def encode(self, value: float, /) -> bytes:
        """Gives the bytes of a number that is not NaN."""
        number = real(value)
        if number != number:
            raise EncodeError("NaN has no place in the order of keys")
        (word,) = _WORD.unpack(_DOUBLE.pack(number + 0.0))
        return _WORD.pack(word ^ (_ALL if word & _SIGN else _SIGN))

    def _read(self, data: bytes, /) -> float:
        (word,) = _WORD.unpack(data)
        (number,) = _DOUBLE.unpack(_WORD.pack(word ^ (_SIGN if word & _SIGN else _ALL)))
        if number != number or (number == 0.0 and not word & _SIGN):
            raise damaged(self.what, data)
        return float(number)


def real(value: float) -> float:
    """A float that equals the value, or an error."""
    if isinstance(value, float):
        return value
    if not isinstance(value, int):
        raise wrong_type("float", value)
    try:
        number = float(value)
    except OverflowError:
        number = 0.0
    if number != value:
        raise EncodeError(f"no float is exactly {value:#x}")
    return number


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST = datetime.min.replace(tzinfo=timezone.utc)
_LAST = datetime.max.replace(tzinfo=timezone.utc)


class DateTime(Fixed[datetime]):
    """Moments, in microseconds since 1970 in UTC. They come back in UTC, whatever zone they had.

    A datetime without a zone names no moment and is refused. `DateTime(naive=True)` is for those
    alone: it stores what the clock on the wall shows, and refuses datetimes with a zone.

    >>> from lsmdb import codecs
    >>> from datetime import datetime, timedelta, timezone
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    >>> codecs.DateTime().decode(codecs.DateTime().encode(noon)).isoformat()
    '2026-03-01T10:00:00+00:00'
    """

    __slots__ = ("_naive",)
    what = "a datetime"
    width = 8

    def __init__(self, *, naive: bool = False) -> None:
        self._naive = naive

    def encode(self, value: datetime, /) -> bytes:
        """Gives the bytes of a moment."""
        micros = _micros(self._aware(value) - _EPOCH)
        if not _EARLIEST <= micros <= _LATEST:
            raise EncodeError(f"{value} is in no year from 1 to 9999 in UTC")
        return _WORD.pack(micros + _SIGN)

    def _aware(self, value: datetime) -> datetime:
        if not isinstance(value, datetime):
            raise wrong_type("datetime", value)
        if getattr(value, "nanosecond", 0):
            raise EncodeError(f"{value} has nanoseconds, and microseconds are kept")
        if (value.utcoffset() is None) is not self._naive:
            wanted = "without" if self._naive else "with"
            raise EncodeError(f"a datetime {wanted} a time zone is wanted here, not {value}")
        return value.replace(tzinfo=timezone.utc) if self._naive else value

    def _read(self, data: bytes, /) -> datetime:
        micros = _WORD.unpack(data)[0] - _SIGN
        if not _EARLIEST <= micros <= _LATEST:
            raise damaged(self.what, data)
        moment = _EPOCH + timedelta(microseconds=micros)
        return moment.replace(tzinfo=None) if self._naive else moment

    def __repr__(self) -> str:
        return f"DateTime({'naive=True' if self._naive else ''})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, DateTime) and self._naive == other._naive

    def __hash__(self) -> int:
        return hash((DateTime, self._naive))


def _micros(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


_EARLIEST = _micros(_FIRST - _EPOCH)
_LATEST = _micros(_LAST - _EPOCH)


class Date(Fixed[date]):
    """Days, counted from the first of January of the year 1, in four bytes."""

    __slots__ = ()
    what = "a date"
    width = 4

    def encode(self, value: date, /) -> bytes:
        """Gives the bytes of a day."""
        # A datetime is a date to Python, but its hours would be lost.
        if not isinstance(value, date) or isinstance(value, datetime):
            raise wrong_type("date", value)
        return value.toordinal().to_bytes(4, "big")

    def _read(self, data: bytes, /) -> date:
        try:
            return date.fromordinal(int.from_bytes(data, "big"))
        except (ValueError, OverflowError):
            raise damaged(self.what, data) from None


class Uuid(Fixed[UUID]):
    """UUIDs in sixteen bytes, sorted as Python sorts them; those of version 7 thereby by time."""

    __slots__ = ()
    what = "a UUID"
    width = 16

    def encode(self, value: UUID, /) -> bytes:
        """Gives the bytes of a UUID."""
        if not isinstance(value, UUID):
            raise wrong_type("UUID", value)
        return value.bytes

    def _read(self, data: bytes, /) -> UUID:
        return UUID(bytes=data)
