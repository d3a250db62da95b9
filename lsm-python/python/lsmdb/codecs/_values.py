"""Values, which need no order: numbers as they are, and whatever JSON, msgpack or pickle can say.

What they raise themselves becomes `EncodeError` and `DecodeError`, with theirs as the cause.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from lsmdb.codecs._codec import EncodeError, Simple, WrongType, damaged
from lsmdb.codecs._keys import real

_DOUBLE = struct.Struct(">d")


class Double(Simple):
    """Floats in eight bytes, each as it is: NaN and -0.0 too. Not sorted by value."""

    __slots__ = ()

    def encode(self, value: float, /) -> bytes:
        """Gives the bytes of a float."""
        return _DOUBLE.pack(real(value))

    def decode(self, data: bytes, /) -> float:
        """Gives the float of eight bytes."""
        if len(data) != _DOUBLE.size:
            raise damaged("a float", data)
        return float(_DOUBLE.unpack(data)[0])


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


# Made once: dumps and loads make theirs anew for each call that has choices.
_JSON_OUT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_JSON_IN = json.JSONDecoder(parse_constant=_refuse)


class Json(Simple):
    """What JSON can say, as compact UTF-8: dict, list, str, int, float, bool and None.

    Tuples come back as lists, and keys of dicts as str. NaN and the infinities, which JSON does
    not have, are refused both ways.
    """

    __slots__ = ()

    def encode(self, value: Any, /) -> bytes:
        """Gives a value as JSON."""
        try:
            return _JSON_OUT.encode(value).encode()
        except TypeError as error:
            raise WrongType(f"JSON cannot say this: {error}") from error
        except (ValueError, RecursionError) as error:
            raise EncodeError(f"JSON cannot say this: {error}") from error

    def decode(self, data: bytes, /) -> Any:
        """Gives the value that the JSON tells of."""
        try:
            return _JSON_IN.decode(data.decode())
        except (ValueError, RecursionError) as error:
            raise damaged("JSON", data) from error


class Packed:
    """What a module of two functions makes of values: `dumps` and `loads`, `packb` and `unpackb`.

    Made by naming the module: `value=msgpack`, `value=pickle`, `value=orjson`. Reading a pickle
    runs what it says: never read one that somebody else can write.
    """

    __slots__ = ("_dumps", "_loads", "_name")

    def __init__(
        self, name: str, dumps: Callable[[Any], bytes], loads: Callable[[bytes], Any]
    ) -> None:
        self._name, self._dumps, self._loads = name, dumps, loads

    def encode(self, value: Any, /) -> bytes:
        """Gives what the module makes of a value."""
        try:
            data = self._dumps(value)
        except TypeError as error:
            raise WrongType(f"{self._name} cannot say this: {error}") from error
        except Exception as error:
            raise EncodeError(f"{self._name} cannot say this: {error}") from error
        if not isinstance(data, bytes):
            raise WrongType(f"{self._name} gives {type(data).__name__}, and bytes are wanted")
        return data

    def decode(self, data: bytes, /) -> Any:
        """Gives the value that the module makes of its bytes."""
        # Whatever the bytes make a foreign module raise, it is the bytes that are wrong.
        try:
            return self._loads(data)
        except Exception as error:
            raise damaged(self._name, data) from error

    def __repr__(self) -> str:
        return f"<codec {self._name}>"
