"""Types and modules that stand for codecs: `key=str`, `value=json`."""

from __future__ import annotations

import json
from datetime import date, datetime
from types import ModuleType
from typing import Any, get_origin
from uuid import UUID

from lsmdb.codecs._codec import Codec
from lsmdb.codecs._keys import Bool, Bytes, Date, DateTime, Float, Int, Str, Uuid
from lsmdb.codecs._tuples import Tuple, of_alias
from lsmdb.codecs._values import Double, Json, Packed

_KEYS: dict[Any, Codec[Any]] = {
    bytes: Bytes(),
    str: Str(),
    int: Int(),
    float: Float(),
    bool: Bool(),
    datetime: DateTime(),
    date: Date(),
    UUID: Uuid(),
    tuple: Tuple(),
}
_VALUES: dict[Any, Codec[Any]] = _KEYS | {float: Double(), json: Json()}


def key_codec(given: Any, /) -> Codec[Any]:
    """The codec of keys that a type stands for. A codec stands for itself."""
    return _known(given, _KEYS) or _own(given, "key", "str, int, tuple")


def value_codec(given: Any, /) -> Codec[Any]:
    """The codec of values that a type or a module stands for. A codec stands for itself."""
    codec = _known(given, _VALUES)
    if codec is None and isinstance(given, ModuleType):
        return _of_module(given)
    return codec or _own(given, "value", "bytes, int, json")


def _known(given: Any, table: dict[Any, Codec[Any]]) -> Codec[Any] | None:
    if get_origin(given) is tuple:
        return of_alias(given)
    # Codecs of a program's own need not be hashable.
    return table.get(given) if isinstance(given, (type, ModuleType)) else None


def _own(given: Any, role: str, such_as: str) -> Codec[Any]:
    if isinstance(given, (type, ModuleType)) or not isinstance(given, Codec):
        hint = ": give an instance of it" if hasattr(given, "encode") else ""
        raise TypeError(f"no codec of a {role}: {given!r}{hint}; try {such_as}")
    return given


def _of_module(module: ModuleType) -> Packed:
    name = module.__name__
    if name == "msgpack":
        # By default it refuses keys of maps that are no text, which it has written.
        return Packed(name, module.packb, lambda data: module.unpackb(data, strict_map_key=False))
    if hasattr(module, "dumps") and hasattr(module, "loads"):
        return Packed(name, module.dumps, module.loads)
    raise TypeError(f"the module {name} has no dumps and loads")
