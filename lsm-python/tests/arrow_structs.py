"""Arrow's C structs written by hand, so that tests can make what no library would hand out."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p

RELEASE = CFUNCTYPE(None, c_void_p)


class Schema(Structure):
    _fields_ = [
        ("format", c_char_p),
        ("name", c_char_p),
        ("metadata", c_char_p),
        ("flags", c_int64),
        ("n_children", c_int64),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", RELEASE),
        ("private_data", c_void_p),
    ]


class Array(Structure):
    _fields_ = [
        ("length", c_int64),
        ("null_count", c_int64),
        ("offset", c_int64),
        ("n_buffers", c_int64),
        ("n_children", c_int64),
        ("buffers", c_void_p),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", RELEASE),
        ("private_data", c_void_p),
    ]


GET_SCHEMA = CFUNCTYPE(c_int, c_void_p, POINTER(Schema))
GET_NEXT = CFUNCTYPE(c_int, c_void_p, POINTER(Array))
GET_LAST_ERROR = CFUNCTYPE(c_void_p, c_void_p)


class Stream(Structure):
    _fields_ = [
        ("get_schema", GET_SCHEMA),
        ("get_next", GET_NEXT),
        ("get_last_error", GET_LAST_ERROR),
        ("release", RELEASE),
        ("private_data", c_void_p),
    ]


NAMES = {Schema: b"arrow_schema", Array: b"arrow_array", Stream: b"arrow_array_stream"}

_new = ctypes.pythonapi.PyCapsule_New
_new.restype = ctypes.py_object
_new.argtypes = [c_void_p, c_char_p, c_void_p]


class Maker:
    """Makes structs, keeps all memory that they point at, and counts those given back."""

    def __init__(self):
        self.kept = []
        self.made = 0
        self.released = 0

    def keep(self, thing):
        self.kept.append(thing)
        return thing

    def bytes(self, data):
        """Gives the address of a copy."""
        return ctypes.addressof(self.keep(ctypes.create_string_buffer(data, max(len(data), 1))))

    def pointers(self, addresses):
        if not addresses:
            return None
        return ctypes.addressof(self.keep((c_void_p * len(addresses))(*addresses)))

    def struct(self, kind, **fields):
        """Makes a struct. A test may say `release=None`."""
        if "release" not in fields:
            fields["release"] = self._release(kind)
            self.made += 1
        fields = {name: value for name, value in fields.items() if value is not None}
        return self.keep(kind(**fields))

    def _release(self, kind):
        def release(address):
            self.released += 1
            kind.from_address(address).release = RELEASE()

        return self.keep(RELEASE(release))

    def schema(self, format=b"+s", name=b"", children=(), **fields):
        addresses = [child and ctypes.addressof(child) for child in children]
        fields = {"n_children": len(addresses), "children": self.pointers(addresses)} | fields
        return self.struct(Schema, format=format, name=name, **fields)

    def table(self, key=b"z", value=b"z"):
        """Makes the schema of a table with columns of these formats."""
        columns = [self.schema(key, b"key", release=None), self.schema(value, b"value", release=None)]
        return self.schema(children=columns)

    def array(self, length, buffers=(None,), children=(), **fields):
        addresses = [child and ctypes.addressof(child) for child in children]
        given = {
            "length": length,
            "n_buffers": len(buffers),
            "buffers": self.pointers(list(buffers)),
            "n_children": len(addresses),
            "children": self.pointers(addresses),
        }
        return self.struct(Array, **(given | fields))

    def column(self, offsets, data, **fields):
        """Makes a binary column with offsets of 32 bits."""
        numbers = b"".join(offset.to_bytes(4, "little", signed=True) for offset in offsets)
        data = data if data is None else self.bytes(data)
        fields = {"length": len(offsets) - 1, "release": None} | fields
        return self.array(buffers=(None, self.bytes(numbers), data), **fields)

    def capsule(self, struct, name=None):
        kept_name = self.keep(ctypes.c_char_p(name or NAMES[type(struct)]))
        return _new(ctypes.addressof(struct), kept_name, None)


class Handing:
    """An object that hands out what it was given."""

    def __init__(self, schema, array):
        self._pair = schema, array

    def __arrow_c_array__(self, requested_schema=None):
        return self._pair


class Streaming:
    """An object that hands out a stream."""

    def __init__(self, stream):
        self._stream = stream

    def __arrow_c_stream__(self, requested_schema=None):
        return self._stream
