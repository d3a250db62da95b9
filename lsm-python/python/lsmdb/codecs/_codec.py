"""What a codec is, and the errors that codecs raise."""

from typing import Any, Protocol, TypeVar, runtime_checkable

from lsmdb._errors import Error, InvalidArgument

T = TypeVar("T")
_SHOWN = 32


@runtime_checkable
class Codec(Protocol[T]):
    """Turns values of one type into bytes and back. Any object with these two methods is one.

    A codec of keys gives unlike bytes to unlike keys. Keys are sorted by their bytes: where
    order matters, the bytes must be sorted as the keys are.
    """

    def encode(self, value: T, /) -> bytes:
        """The bytes of a value. Raises where there are none, before anything is written."""
        ...

    def decode(self, data: bytes, /) -> T:
        """The value of bytes that `encode` made. Other bytes raise."""
        ...


@runtime_checkable
class PrefixCodec(Codec[T], Protocol[T]):
    """A codec of keys that can begin with one another, as strings and tuples do."""

    def encode_prefix(self, prefix: T, /) -> bytes:
        """What the bytes of each key that begins with `prefix` begin with, and of no other."""
        ...


class EncodeError(InvalidArgument):
    """A value that has no bytes in this codec. Nothing was written."""


class WrongType(EncodeError, TypeError):
    """A value of a type that this codec does not take. Nothing was written."""


class DecodeError(Error, ValueError):
    """Bytes that this codec did not write: another codec did, or nobody."""


def wrong_type(wanted: str, value: object) -> WrongType:
    """The error for a value that is not what the codec takes."""
    return WrongType(f"{wanted} is wanted here, not {type(value).__name__}")


def damaged(wanted: str, data: bytes) -> DecodeError:
    """The error for bytes that no value of the codec has. It shows how they begin."""
    more = "..." if len(data) > _SHOWN else ""
    return DecodeError(f"these are not the bytes of {wanted}: {data[:_SHOWN]!r}{more}")


def shown(codec: object) -> str:
    """A codec as it stands in messages: its own repr, or for those without one its type."""
    plain = type(codec).__repr__ is object.__repr__
    return f"{type(codec).__name__}()" if plain else repr(codec)


class Simple:
    """Codecs without settings are alike, and shown by their name."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: Any) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))
