"""Typed keys and values: what a program has in hand on one side, bytes on the other.

>>> import json
>>> from lsmdb import codecs
>>> users = codecs.typed(db.keyspace("users"), key=str, value=json)
>>> users["ada"] = {"born": 1815}
>>> users.setdefault("bob", {})
{}
>>> list(users["a":"b"])
[('ada', {'born': 1815})]

Keys keep their order: bytes are sorted as the values are that they stand for, so that ranges and
prefixes of typed keys are ranges of bytes. A type or a module names a codec:

| given | keys | values |
| --- | --- | --- |
| `bytes`, `str`, `bool`, `int`, `date`, `datetime`, `UUID`, `tuple` | yes | yes |
| `float` | yes, `Float`: without NaN | yes, `Double`: each as it is |
| `tuple[str, int]`, `tuple[float, ...]` | yes | yes |
| `json`, `msgpack`, `pickle`, any module with `dumps` and `loads` | | yes |
| an object with `encode` and `decode` | yes | yes |

`Unsigned(width)` and `DateTime(naive=True)` have no shorthand. Pickles are read only where a
program names `pickle`.
"""

from lsmdb.codecs._codec import Codec, DecodeError, EncodeError, PrefixCodec, WrongType
from lsmdb.codecs._keys import Bool, Bytes, Date, DateTime, Float, Int, Str, Unsigned, Uuid
from lsmdb.codecs._range import TypedBatch, TypedRange
from lsmdb.codecs._shorthand import key_codec, value_codec
from lsmdb.codecs._tuples import Tuple
from lsmdb.codecs._typed import Typed, TypedReader, typed
from lsmdb.codecs._values import Double, Json, Packed

__all__ = [
    "Bool",
    "Bytes",
    "Codec",
    "Date",
    "DateTime",
    "DecodeError",
    "Double",
    "EncodeError",
    "Float",
    "Int",
    "Json",
    "Packed",
    "PrefixCodec",
    "Str",
    "Tuple",
    "Typed",
    "TypedBatch",
    "TypedRange",
    "TypedReader",
    "Unsigned",
    "Uuid",
    "WrongType",
    "key_codec",
    "typed",
    "value_codec",
]
