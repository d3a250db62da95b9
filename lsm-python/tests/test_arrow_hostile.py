"""Arrow structs that no library would hand out: refused where that can be known, and given back."""

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest
from arrow_structs import (
    GET_LAST_ERROR,
    GET_NEXT,
    GET_SCHEMA,
    Array,
    Handing,
    Maker,
    Schema,
    Stream,
    Streaming,
)

import lsmdb


@pytest.fixture
def db(tmp_path: Path) -> Iterator[lsmdb.DB]:
    with lsmdb.open(tmp_path / "db") as db:
        yield db


@pytest.fixture
def make() -> Iterator[Maker]:
    make = Maker()
    yield make
    assert make.released == make.made, "something was not given back"


def good(make):
    """Makes an array of two pairs."""
    columns = [make.column([0, 1, 2], b"ab"), make.column([0, 3, 3], b"xyz")]
    return make.array(2, children=columns)


def spoiled(struct, **fields):
    for name, value in fields.items():
        setattr(struct, name, value)
    return struct


def load(db, make, schema, array):
    return db.load(Handing(make.capsule(schema), make.capsule(array)))


def test_the_good_one(db, make):
    assert load(db, make, make.table(), good(make)) == 2
    assert dict(db.items()) == {b"a": b"xyz", b"b": b""}


MALFORMED = "malformed"
OUTSIDE = "outside of its buffers"


class TestArrays:
    @pytest.mark.parametrize(
        "fields",
        [
            {"length": -1},
            {"offset": -1},
            {"length": 2**62},
            {"offset": 2**62},
            {"length": 3},
            {"offset": 1},
            {"n_children": 0},
            {"n_children": 1},
            {"n_children": -1},
            {"children": None},
            {"null_count": 1},
        ],
        ids=str,
    )
    def test_a_table(self, db, make, fields):
        with pytest.raises(lsmdb.InvalidArgument, match=MALFORMED):
            load(db, make, make.table(), spoiled(good(make), **fields))
        assert list(db) == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"length": -1},
            {"length": 1},
            {"offset": -1},
            {"offset": 2**63 - 1},
            {"n_buffers": 2},
            {"n_buffers": 4},
            {"n_buffers": -3},
            {"buffers": None},
            {"null_count": 2},
            {"dictionary": 8},
        ],
        ids=str,
    )
    def test_a_column(self, db, make, fields):
        values = spoiled(make.column([0, 3, 3], b"xyz"), **fields)
        columns = [make.column([0, 1, 2], b"ab"), values]
        with pytest.raises(lsmdb.InvalidArgument, match=MALFORMED):
            load(db, make, make.table(), make.array(2, children=columns))
        assert list(db) == []

    def test_a_column_that_is_missing(self, db, make):
        with pytest.raises(lsmdb.InvalidArgument, match=MALFORMED):
            array = make.array(2, children=[make.column([0, 1, 2], b"ab"), None])
            load(db, make, make.table(), array)

    def test_offsets_that_are_missing(self, db, make):
        column = make.array(2, buffers=(None, None, make.bytes(b"xy")), release=None)
        with pytest.raises(lsmdb.InvalidArgument, match=MALFORMED):
            load(db, make, make.table(), make.array(2, children=[column, column]))

    @pytest.mark.parametrize("offsets", [[0, 2, 1], [-1, 1, 2], [0, -1, 2], [5, 0, 1]])
    def test_offsets_that_are_out_of_order(self, db, make, offsets):
        columns = [make.column([0, 1, 2], b"ab"), make.column(offsets, b"xyz")]
        with pytest.raises(lsmdb.InvalidArgument, match=OUTSIDE):
            load(db, make, make.table(), make.array(2, children=columns))

    def test_data_that_is_missing(self, db, make):
        columns = [make.column([0, 1, 2], None), make.column([0, 0, 0], None)]
        with pytest.raises(lsmdb.InvalidArgument, match=OUTSIDE):
            load(db, make, make.table(), make.array(2, children=columns))

    def test_data_that_is_not_needed(self, db, make):
        columns = [make.column([0, 1, 2], b"ab"), make.column([0, 0, 0], None)]
        assert load(db, make, make.table(), make.array(2, children=columns)) == 2
        assert dict(db.items()) == {b"a": b"", b"b": b""}

    def test_a_value_that_is_too_large_is_not_touched(self, db, make):
        columns = [make.column([0, 1], b"a"), make.column([0, 2**31 - 1], b"only this")]
        with pytest.raises(lsmdb.TooLarge):
            load(db, make, make.table(), make.array(1, children=columns))


def view(length, first=b"abcd", part=0, start=0):
    number = length.to_bytes(4, "little", signed=True)
    where = [part.to_bytes(4, "little", signed=True), start.to_bytes(4, "little", signed=True)]
    return number + first + b"".join(where)


class TestViews:
    def load(self, db, make, views, parts=(b"abcd" * 5,), sizes=None):
        sizes = [len(part) for part in parts] if sizes is None else sizes
        lengths = b"".join(size.to_bytes(8, "little", signed=True) for size in sizes)
        buffers = [make.bytes(b"".join(views)), *map(make.bytes, parts), make.bytes(lengths)]
        rows = len(views)
        keys = make.column(list(range(rows + 1)), b"abcdefgh"[:rows])
        values = make.array(rows, buffers=(None, *buffers), release=None)
        table = make.table(value=b"vz")
        return load(db, make, table, make.array(rows, children=[keys, values]))

    def test_good_ones(self, db, make):
        short = (3).to_bytes(4, "little") + b"xyz".ljust(12, b"\0")
        assert self.load(db, make, [short, view(20), view(13, b"bcda", 0, 1), view(0)]) == 4
        expected = [b"xyz", b"abcd" * 5, b"bcdabcdabcdab", b""]
        assert [value for _, value in db.items()] == expected

    @pytest.mark.parametrize(
        "bad",
        [view(21), view(13, start=8), view(13, part=1), view(13, part=-1), view(13, start=-1),
         view(-1), view(2**31 - 1), view(13, start=2**31 - 1)],
    )  # fmt: skip
    def test_bad_ones(self, db, make, bad):
        with pytest.raises(lsmdb.InvalidArgument, match=OUTSIDE):
            self.load(db, make, [view(20), bad])

    def test_parts_of_a_negative_length(self, db, make):
        with pytest.raises(lsmdb.InvalidArgument, match=MALFORMED):
            self.load(db, make, [view(20)], sizes=[-1])

    def test_no_parts_at_all(self, db, make):
        with pytest.raises(lsmdb.InvalidArgument, match=OUTSIDE):
            self.load(db, make, [view(20)], parts=())


class TestSchemas:
    @pytest.mark.parametrize(
        "fields",
        [{"format": None}, {"format": b"z"}, {"n_children": 0}, {"n_children": -2},
         {"children": None}],
        ids=str,
    )  # fmt: skip
    def test_of_a_table(self, db, make, fields):
        columns = [make.schema(b"z", b"key", release=None)] * 2
        with pytest.raises(lsmdb.InvalidArgument):
            load(db, make, spoiled(make.schema(children=columns), **fields), good(make))

    def test_of_a_column(self, db, make):
        for column in (make.schema(None, b"key", release=None), None):
            with pytest.raises(lsmdb.InvalidArgument, match=MALFORMED):
                load(db, make, make.schema(children=[column]), good(make))

    def test_without_a_name(self, db, make):
        column = make.schema(b"z", None, release=None)
        with pytest.raises(lsmdb.InvalidArgument, match="no column"):
            load(db, make, make.schema(children=[column]), good(make))

    @pytest.mark.parametrize("format", [b"w:", b"w:-1", b"w:x", b"", b"\xff", b"zz", b"vx", b"i"])
    def test_of_no_known_type(self, db, make, format):
        with pytest.raises(lsmdb.InvalidArgument, match="has the Arrow format"):
            load(db, make, make.table(value=format), good(make))

    def test_of_another_type_than_the_array(self, db, make):
        for format in (b"w:4", b"w:99999999999999999999999"):
            with pytest.raises(lsmdb.InvalidArgument):
                load(db, make, make.table(value=format), good(make))

    def test_rows_without_any_bytes(self, db, make):
        values = make.array(2, buffers=(None, None), release=None)
        array = make.array(2, children=[make.column([0, 1, 2], b"ab"), values])
        assert load(db, make, make.table(value=b"w:0"), array) == 2


class TestCapsules:
    def test_empty_ones(self, db, make):
        with pytest.raises(ValueError, match="taken out before"):
            load(db, make, make.schema(release=None), make.array(0, release=None))

    def test_of_another_name(self, db, make):
        wrong = make.capsule(good(make), b"another")
        make.made -= 1
        with pytest.raises(TypeError, match="capsule named .arrow_array."):
            db.load(Handing(wrong, wrong))

    @pytest.mark.parametrize("wrong", [None, b"bytes", 3])
    def test_what_is_none(self, db, wrong):
        with pytest.raises(TypeError, match="capsule named"):
            db.load(Streaming(wrong))

    @pytest.mark.parametrize("wrong", [(), (1,), (1, 2, 3), None])
    def test_a_pair_that_is_none(self, db, wrong):
        class Wrong:
            def __arrow_c_array__(self, requested_schema=None):
                return wrong

        with pytest.raises((TypeError, ValueError)):
            db.load(Wrong())

    def test_a_method_that_raises(self, db):
        class Broken:
            def __arrow_c_stream__(self, requested_schema=None):
                raise LookupError("no stream today")

        with pytest.raises(LookupError, match="today"):
            db.load(Broken())


class TestStreams:
    def stream(self, make, **functions):
        def schema(_, out):
            out[0] = make.table()
            return 0

        def end(_, out):
            out[0] = Array()
            return 0

        given = {
            "get_schema": make.keep(GET_SCHEMA(schema)),
            "get_next": make.keep(GET_NEXT(end)),
            "get_last_error": make.keep(GET_LAST_ERROR(lambda _: None)),
        }
        return Streaming(make.capsule(make.struct(Stream, **(given | functions))))

    def test_the_good_one(self, db, make):
        arrays = [good(make), good(make)]

        def next(_, out):
            out[0] = arrays.pop() if arrays else Array()
            return 0

        assert db.load(self.stream(make, get_next=make.keep(GET_NEXT(next)))) == 4

    def test_one_that_fails(self, db, make):
        failing = make.keep(GET_NEXT(lambda _, out: 28))
        with pytest.raises(OSError, match="does not say why") as caught:
            db.load(self.stream(make, get_next=failing))
        assert caught.value.errno == 28

    def test_one_that_says_why(self, db, make):
        failing = make.keep(GET_SCHEMA(lambda _, out: 5))
        sentence = make.bytes(b"broken \xff\0")
        saying = make.keep(GET_LAST_ERROR(lambda _: sentence))
        with pytest.raises(OSError, match="failed: broken"):
            db.load(self.stream(make, get_schema=failing, get_last_error=saying))

    def test_one_without_a_schema(self, db, make):
        def nothing(_, out):
            out[0] = Schema()
            return 0

        with pytest.raises(lsmdb.InvalidArgument, match="no schema"):
            db.load(self.stream(make, get_schema=make.keep(GET_SCHEMA(nothing))))

    @pytest.mark.parametrize("function", ["get_schema", "get_next"])
    def test_one_that_lacks_a_function(self, db, make, function):
        with pytest.raises(lsmdb.InvalidArgument, match="lacks a function"):
            db.load(self.stream(make, **{function: None}))

    def test_one_that_goes_bad(self, db, make):
        arrays = [spoiled(good(make), length=-1), good(make)]

        def next(_, out):
            out[0] = arrays.pop()
            return 0

        with pytest.raises(lsmdb.InvalidArgument, match=MALFORMED):
            db.load(self.stream(make, get_next=make.keep(GET_NEXT(next))))


def test_what_is_handed_out_can_be_called_with_the_interpreter(db):
    """Some callers hold it, and some have released it: ctypes can do both."""
    db.update({b"a": b"1", b"b": b"2"})
    for kind in (ctypes.CFUNCTYPE, ctypes.PYFUNCTYPE):
        capsule = db[:].columns(1).__arrow_c_stream__()
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        address = pointer(capsule, b"arrow_array_stream")
        stream = Stream.from_address(address)
        call = kind(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        get_next = call(ctypes.cast(stream.get_next, ctypes.c_void_p).value)
        lengths = []
        for _ in range(4):
            array = Array()
            assert get_next(address, ctypes.addressof(array)) == 0
            lengths.append(array.length)
            if array.release:
                array.release(ctypes.addressof(array))
                assert not array.release
        assert lengths == [1, 1, 0, 0]
