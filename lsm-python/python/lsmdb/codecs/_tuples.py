"""Tuples as keys: what they are made of, one behind the other, each with its kind in front.

Kinds stand in the order of their marks, so that unlike elements have an order too. Text and bytes
end with 00, and in them 00 becomes 01 01 and 01 becomes 01 02: so no element begins with the whole
of another, and the bytes of a tuple begin those of the tuples that it begins, and no others.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple, get_args, get_origin
from uuid import UUID

from lsmdb.codecs._codec import EncodeError, damaged, wrong_type
from lsmdb.codecs._keys import Bool, Bytes, Date, DateTime, Float, Int, Part, Str, Uuid

_END = b"\x00"
_WHAT = "a tuple"


class _Kind(NamedTuple):
    """One kind of element: its mark, how it is written with it, and read from behind it."""

    mark: bytes
    write: Callable[[Any], bytes]
    take: Callable[[bytes, int], tuple[Any, int]]


def _escape(data: bytes) -> bytes:
    if b"\x01" in data:
        data = data.replace(b"\x01", b"\x01\x02")
    if b"\x00" in data:
        data = data.replace(b"\x00", b"\x01\x01")
    return data


def _unescape(data: bytes) -> bytes:
    plain = data.replace(b"\x01\x01", b"\x00").replace(b"\x01\x02", b"\x01")
    if _escape(plain) != data:
        raise damaged(_WHAT, data)
    return plain


def _escaped(mark: bytes, codec: Bytes | Str) -> _Kind:
    """An element of any length, between its mark and 00."""
    encode, decode = codec.encode, codec.decode

    def write(value: Any) -> bytes:
        return mark + _escape(encode(value)) + _END

    def take(data: bytes, at: int) -> tuple[Any, int]:
        end = data.find(_END, at)
        if end < 0:
            raise damaged(_WHAT, data[at:])
        body = data[at:end]
        return decode(_unescape(body) if b"\x01" in body else body), end + 1

    return _Kind(mark, write, take)


def _ending(mark: bytes, codec: Part[Any]) -> _Kind:
    encode = codec.encode
    return _Kind(mark, lambda value: mark + encode(value), codec._take)


def _write_none(value: None) -> bytes:
    if value is not None:
        raise wrong_type("None", value)
    return _NONE


def _write_any(value: object) -> bytes:
    kind = _KINDS.get(type(value)) or _kind_of(value)
    return kind.write(value)


def _kind_of(value: object) -> _Kind:
    """The kind of an object whose type is derived from one that has a kind, or counts like one."""
    for base in type(value).__mro__:
        if base in _KINDS:
            return _KINDS[base]
    if hasattr(value, "__index__"):
        return _KINDS[int]
    names = ", ".join(kind.__name__ for kind in _ELEMENTS)
    raise wrong_type(f"an element of a key is one of {names}: one of them", value)


def _take_any(data: bytes, at: int) -> tuple[Any, int]:
    kind = _BY_MARK.get(data[at : at + 1])
    if kind is None:
        raise damaged(_WHAT, data[at:])
    return kind.take(data, at + 1)


class Tuple:
    """Tuples, also within tuples, sorted element by element; those that begin alike are a range.

    Elements are None, bool, int, float, str, bytes, date, datetime with a zone, UUID and tuples.
    Elements of unlike types are sorted by type, in this order: 1 and 1.0 are unlike.

    With the types of the elements given, each tuple must have them, and an int that stands for a
    float is written as one. `tuple[str, int]` is `Tuple(str, int)`, `tuple[int, ...]` is
    `Tuple(int, ...)`; `object` stands for any element.

    >>> from lsmdb import codecs
    >>> seen = codecs.typed(db, key=tuple[str, int], value=str)
    >>> seen.update({("owl", 7): "dusk", ("owl", -3): "noon", ("fox", 12): "dawn"})
    >>> list(seen)
    [('fox', 12), ('owl', -3), ('owl', 7)]
    >>> seen.prefix(("owl",)).last()
    (('owl', 7), 'dusk')
    """

    __slots__ = ("_kinds", "_parts", "_size")

    def __init__(self, *parts: Any) -> None:
        self._parts = parts or (object, ...)
        self._size = None if self._parts[-1] is ... else len(parts)
        if self._size is None and len(self._parts) != 2:
            raise TypeError("`...` stands behind one type: tuple[int, ...]")
        self._kinds = tuple(_declared(part) for part in self._parts if part is not ...)

    def encode(self, value: tuple[Any, ...], /) -> bytes:
        """Gives the bytes of a whole tuple."""
        data = self.encode_prefix(value)
        if self._size is not None and len(value) != self._size:
            raise EncodeError(f"{self!r} has {self._size} elements, not {len(value)}")
        return data

    def encode_prefix(self, prefix: tuple[Any, ...], /) -> bytes:
        """Gives the bytes that the bytes of tuples begin with which begin so."""
        if not isinstance(prefix, tuple):
            raise wrong_type("tuple", prefix)
        if self._size is not None and len(prefix) > self._size:
            raise EncodeError(f"{self!r} has {self._size} elements, not {len(prefix)}")
        try:
            return b"".join([kind.write(value) for kind, value in zip(self._each(), prefix)])
        except RecursionError:
            raise EncodeError("tuples within tuples within tuples without end") from None

    def decode(self, data: bytes, /) -> tuple[Any, ...]:
        """Gives the tuple that has exactly these bytes."""
        try:
            value, end = self._take(data, 0)
        except RecursionError:
            end = -1
        if end != len(data):
            raise damaged(_WHAT, data)
        return value

    def _each(self) -> Iterable[_Kind]:
        return self._kinds if self._size is not None else itertools.repeat(self._kinds[0])

    def _take(self, data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        found = []
        for kind in self._each():
            if data[at : at + 1] in (b"", _END):
                break
            start = at + len(kind.mark)
            if data[at:start] != kind.mark:
                raise damaged(repr(self), data)
            value, at = kind.take(data, start)
            found.append(value)
        if self._size not in (None, len(found)):
            raise damaged(repr(self), data)
        return tuple(found), at

    def _nested(self) -> _Kind:
        """A tuple as an element: it ends with 00, which no element begins with."""

        def take(data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
            value, end = self._take(data, at)
            if data[end : end + 1] != _END:
                raise damaged(_WHAT, data[at:])
            return value, end + 1

        return _Kind(_TUPLE, lambda value: _TUPLE + self.encode(value) + _END, take)

    def __repr__(self) -> str:
        return f"Tuple({', '.join(_name(part) for part in self._parts)})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Tuple) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash((Tuple, self._parts))


def _name(part: Any) -> str:
    if part is ...:
        return "..."
    return part.__name__ if isinstance(part, type) and not get_args(part) else repr(part)


def _declared(part: Any) -> _Kind:
    """The kind that a type names."""
    if get_origin(part) is tuple:
        return of_alias(part)._nested()
    kind = _ANY if part in (object, Any) else _ELEMENTS.get(part or type(None))
    if kind is None:
        raise TypeError(f"{part!r} is no type of an element of a key")
    return kind


def of_alias(alias: Any) -> Tuple:
    """The codec that `tuple[str, int]` stands for."""
    parts = get_args(alias)
    if not parts:
        raise TypeError("tuple[()] has one value only; tuple is for all")
    return Tuple(*parts)


_TUPLE = b"\x58"
_NONE = b"\x10"
_ANY = _Kind(b"", _write_any, _take_any)
# Marks leave room between them: for kinds to come, and below them for the end of a tuple.
_ELEMENTS: dict[type, _Kind] = {
    types.NoneType: _Kind(_NONE, _write_none, lambda data, at: (None, at)),
    bool: _ending(b"\x18", Bool()),
    int: _ending(b"\x20", Int()),
    float: _ending(b"\x28", Float()),
    str: _escaped(b"\x30", Str()),
    bytes: _escaped(b"\x38", Bytes()),
    date: _ending(b"\x40", Date()),
    datetime: _ending(b"\x48", DateTime()),
    UUID: _ending(b"\x50", Uuid()),
}
_ELEMENTS[tuple] = Tuple()._nested()
_BY_MARK = {kind.mark: kind for kind in _ELEMENTS.values()}
_KINDS = _ELEMENTS | {bytearray: _ELEMENTS[bytes], memoryview: _ELEMENTS[bytes]}
