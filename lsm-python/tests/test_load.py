"""Bulk load: tables and arrays become pairs; what cannot be taken is refused, and said."""

import ctypes
import os
import signal
import struct
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmdb

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")

TYPES = [
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.string(),
    pa.large_string(),
    pa.string_view(),
]
PAIRS = {b"%04d" % number: b"value" * (number % 7) for number in range(1000)}
MUCH = {b"%04d" % number: b"x" * 4000 for number in range(1000)}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[lsmdb.DB]:
    with lsmdb.open(tmp_path / "db") as db:
        yield db


def table_of(pairs, key=None, value=None):
    keys = pa.array(list(pairs), key or pa.binary())
    return pa.table({"key": keys, "value": pa.array(list(pairs.values()), value or pa.binary())})


class Told:
    """What a progress function was told."""

    def __init__(self):
        self.calls = []

    def __call__(self, done, total):
        self.calls.append((done, total))


class TestTables:
    @pytest.mark.parametrize("type", TYPES, ids=str)
    def test_every_type_of_bytes(self, db, type):
        pairs = {b"k%03d" % number: b"v" * (number % 40) for number in range(300)}
        table = table_of({key.decode(): pairs[key].decode() for key in pairs}, type, type)
        assert db.load(table) == 300
        assert dict(db.items()) == pairs

    def test_rows_of_one_width(self, db):
        pairs = {b"k%03d" % number: struct.pack("<d", number) for number in range(300)}
        assert db.load(table_of(pairs, pa.binary(4), pa.binary(8))) == 300
        assert dict(db.items()) == pairs

    def test_columns_are_chosen_by_name(self, db):
        table = pa.table({"n": [1, 2], "to": [b"x", b"y"], "from": [b"a", b"b"], "key": [None] * 2})
        assert db.load(table, key="from", value="to") == 2
        assert dict(db.items()) == {b"a": b"x", b"b": b"y"}

    def test_one_column_may_be_both(self, db):
        db.load(pa.table({"key": [b"a", b"b"]}), value="key")
        assert dict(db.items()) == {b"a": b"a", b"b": b"b"}

    @pytest.mark.parametrize("type", [*TYPES, pa.binary(4)], ids=str)
    def test_slices(self, db, type):
        pairs = {key.decode(): key.decode() for key in PAIRS}
        batch = table_of(pairs, type, type).to_batches()[0]
        assert db.load(batch.slice(13, 7)) == 7
        assert list(db) == list(PAIRS)[13:20]

    def test_a_slice_of_structs(self, db):
        """Here the struct begins in the middle, and its columns do not."""
        structs = pa.StructArray.from_arrays(
            [pa.array(list(PAIRS)).slice(2), pa.array(list(PAIRS.values())).slice(2)],
            ["key", "value"],
        )
        assert db.load(structs.slice(5, 10)) == 10
        assert dict(db.items()) == {key: PAIRS[key] for key in list(PAIRS)[7:17]}

    def test_chunks_and_empty_chunks(self, db):
        batches = [table_of(part).to_batches()[0] for part in ({b"a": b"1"}, {b"b": b""})]
        nothing = batches[0].slice(0, 0)
        reader = pa.RecordBatchReader.from_batches(
            nothing.schema, [nothing, batches[0], nothing, batches[1], nothing]
        )
        assert db.load(reader) == 2
        assert dict(db.items()) == {b"a": b"1", b"b": b""}

    def test_nothing(self, db):
        assert db.load(table_of({})) == 0
        assert db.load(table_of({b"a": b"1"}).slice(1)) == 0
        assert db.load(pa.schema([("key", pa.binary()), ("value", pa.binary())]).empty_table()) == 0
        assert list(db) == []

    def test_the_last_of_equal_keys_counts(self, db):
        assert db.load(pa.table({"key": [b"a", b"a"], "value": [b"1", b"2"]})) == 2
        assert db[b"a"] == b"2"

    def test_many_batches(self, db):
        assert db.load(table_of(MUCH)) == 1000
        assert dict(db.items()) == MUCH

    def test_huge_values(self, db):
        pairs = {b"a": b"x" * (5 << 20), b"b": b"", b"c": b"y" * (3 << 20)}
        for type in (pa.binary(), pa.binary_view()):
            db.clear()
            assert db.load(table_of(pairs, value=type)) == 3
            assert dict(db.items()) == pairs

    def test_a_range_of_another_keyspace(self, db):
        db.update(PAIRS)
        copy = db.keyspace("copy")
        assert copy.load(db[b"0500":]) == 500
        assert copy.load(db[:b"0500"].columns(7)) == 500
        assert dict(copy.items()) == PAIRS

    def test_its_own_range(self, db):
        db.update(MUCH)
        assert db.load(db[:]) == 1000

    def test_a_chunk(self, db):
        db.update(PAIRS)
        copy = db.keyspace("copy")
        assert sum(map(copy.load, db[:].columns(300))) == 1000
        assert dict(copy.items()) == PAIRS

    def test_durability(self, db):
        db.load(table_of(PAIRS), durability="durable")
        assert db.durable_seqno == db.latest_seqno
        with pytest.raises(ValueError, match="durability"):
            db.load(table_of(PAIRS), durability="safe")

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
    )
    @given(
        st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=20),
        st.sampled_from(TYPES),
        st.sampled_from(TYPES),
        st.integers(0, 20),
        st.integers(0, 20),
    )
    def test_any_pairs(self, db, pairs, key, value, start, length):
        db.clear()
        batches = table_of(pairs, key, value).slice(start, length).to_batches(max_chunksize=3)
        schema = pa.schema([("key", key), ("value", value)])
        assert db.load(pa.RecordBatchReader.from_batches(schema, batches)) <= len(pairs)
        expected = dict(list(pairs.items())[start : start + length])
        there = {key.decode(): value.decode() for key, value in db.items()}
        assert there == expected


class TestOthers:
    def test_pandas(self, db):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"key": list(PAIRS), "value": list(PAIRS.values())})
        told = Told()
        assert db.load(frame, progress=told) == 1000
        assert dict(db.items()) == PAIRS
        assert told.calls == [(1000, 1000)]

    def test_polars(self, db):
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame({"key": list(PAIRS), "value": list(PAIRS.values())})
        told = Told()
        assert db.load(frame[10:], progress=told) == 990
        assert db.load(frame[:10]) == 10
        assert dict(db.items()) == PAIRS
        assert told.calls == [(990, 990)]

    def test_polars_strings(self, db):
        polars = pytest.importorskip("polars")
        words = [f"{number:04d}" * (number % 9 + 1) for number in range(100)]
        assert db.load(polars.DataFrame({"key": words, "value": words})) == 100
        assert list(db) == [word.encode() for word in sorted(words)]

    def test_polars_categories_are_refused(self, db):
        polars = pytest.importorskip("polars")
        words = polars.Series("key", ["a", "b"], dtype=polars.Categorical)
        with pytest.raises(lsmdb.InvalidArgument, match="column .key. is encoded by a dictionary"):
            db.load(polars.DataFrame({"key": words, "value": ["x", "y"]}))

    def test_duckdb(self, db):
        duckdb = pytest.importorskip("duckdb")
        query = "select 'k' || i as key, encode('v' || i) as value from range(500) rows(i)"
        assert db.load(duckdb.connect().sql(query)) == 500
        assert dict(db.items()) == {b"k%d" % number: b"v%d" % number for number in range(500)}


class TestRefused:
    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (pa.array([1, 2]), "column 'value' has the Arrow format \"l\""),
            (pa.array([True, False]), 'format "b"'),
            (pa.array([None, None]), 'format "n"'),
            (pa.array([[b"x"], []]), r'format "\+l"'),
            (pa.array([1.0, 2.0]), 'format "g"'),
            (pa.array(["x", "x"]).dictionary_encode(), "column 'value' is encoded by a dictionary"),
            (pa.array([b"x", None]), "column 'value' has a null in row 1"),
            (pa.array([b"x", None], pa.binary_view()), "column 'value' has a null in row 1"),
            (pa.array([None, b"x"], pa.binary(1)), "column 'value' has a null in row 0"),
        ],
    )
    def test_what_is_not_bytes(self, db, column, message):
        message = message.replace("'", '"')
        with pytest.raises(lsmdb.InvalidArgument, match=message) as caught:
            db.load(pa.table({"key": [b"a", b"b"], "value": column}))
        assert caught.value.loaded == 0
        assert list(db) == []

    def test_nulls_outside_of_a_slice_are_not_looked_at(self, db):
        table = pa.table({"key": [b"a", b"b", b"c"], "value": [None, b"2", None]})
        assert db.load(table.slice(1, 1)) == 1

    def test_rows_that_are_null(self, db):
        structs = pa.array([{"key": b"a", "value": b"1"}, None])
        with pytest.raises(lsmdb.InvalidArgument, match="null as a whole"):
            db.load(structs)

    def test_a_column_that_is_not_there(self, db):
        with pytest.raises(lsmdb.InvalidArgument, match='no column "key": there is a, b'):
            db.load(pa.table({"a": [b"x"], "b": [b"y"]}))

    def test_a_column_that_is_there_twice(self, db):
        table = pa.Table.from_arrays([pa.array([b"x"])] * 3, ["key", "key", "value"])
        with pytest.raises(lsmdb.InvalidArgument, match='several columns "key"'):
            db.load(table)

    def test_an_array_without_columns(self, db):
        with pytest.raises(lsmdb.InvalidArgument, match="no columns with names"):
            db.load(pa.array([b"a", b"b"]))

    @pytest.mark.parametrize("wrong", [None, 3, b"bytes", [(b"a", b"b")], {b"a": b"b"}])
    def test_what_has_no_columns(self, db, wrong):
        with pytest.raises(TypeError, match=f"{type(wrong).__name__} has no columns"):
            db.load(wrong)

    def test_a_key_that_is_too_long(self, db):
        keys = [b"%03d" % number + b"x" * 4000 for number in range(600)] + [b"y" * 65536, b"z"]
        with pytest.raises(lsmdb.TooLarge, match="row 600") as caught:
            db.load(pa.table({"key": keys, "value": keys}))
        loaded = caught.value.loaded
        assert 0 < loaded < 600
        assert list(db) == keys[:loaded]
        assert caught.value.__notes__ == [f"{loaded} pairs were loaded before this"]

    def test_a_stream_that_fails(self, db):
        def batches():
            yield table_of(MUCH).to_batches()[0]
            raise RuntimeError("the source is gone")

        schema = pa.schema([("key", pa.binary()), ("value", pa.binary())])
        with pytest.raises(OSError, match="the source is gone") as caught:
            db.load(pa.RecordBatchReader.from_batches(schema, batches()))
        assert caught.value.loaded == len(list(db)) > 0

    def test_a_closed_database(self, db):
        db.close()
        with pytest.raises(lsmdb.Closed):
            db.load(table_of(PAIRS))
        with pytest.raises(lsmdb.Closed):
            db.load_columns(np.arange(3, dtype=">u4"), np.arange(3))

    def test_a_database_that_is_closed_meanwhile(self, db):
        with pytest.raises(lsmdb.Closed) as caught:
            db.load(table_of(MUCH), progress=lambda done, total: db.close())
        assert caught.value.loaded > 0

    def test_a_database_that_is_only_read(self, tmp_path):
        lsmdb.open(tmp_path / "read").close()
        with lsmdb.open(tmp_path / "read", mode="r") as db:
            with pytest.raises(lsmdb.ReadOnly) as caught:
                db.load(table_of(PAIRS))
        assert caught.value.loaded == 0

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child(self, db):
        table = table_of(PAIRS)
        child = os.fork()
        if child == 0:
            try:
                db.load(table)
            except lsmdb.ForkedProcess:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


class TestProgress:
    def test_a_function_is_told(self, db):
        told = Told()
        db.load(table_of(MUCH), progress=told)
        done, totals = zip(*told.calls, strict=True)
        assert set(totals) == {1000}
        assert len(done) >= 4 and list(done) == sorted(done) and done[-1] == 1000

    def test_a_total_that_nobody_knows(self, db):
        told = Told()
        db.load(table_of(MUCH).to_reader(), progress=told)
        assert len(told.calls) >= 4
        assert all(done == total for done, total in told.calls)

    def test_tqdm(self, db):
        tqdm = pytest.importorskip("tqdm").tqdm
        with open(os.devnull, "w") as nowhere, tqdm(file=nowhere) as bar:
            db.load(table_of(MUCH), progress=bar)
            assert (bar.n, bar.total) == (1000, 1000)

    def test_what_it_raises_stops_the_load(self, db):
        def stop(done, total):
            raise LookupError("enough")

        with pytest.raises(LookupError, match="enough") as caught:
            db.load(table_of(MUCH), progress=stop)
        assert caught.value.loaded == len(list(db)) < 1000

    def test_ctrl_c(self, db):
        def interrupt(done, total):
            signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt) as caught:
            db.load(table_of(MUCH), progress=interrupt)
        assert caught.value.loaded == len(list(db)) < 1000

    @pytest.mark.parametrize("wrong", [3, "bar", Told])
    def test_what_cannot_be_told(self, db, wrong):
        with pytest.raises(TypeError, match="progress must be"):
            db.load(table_of(PAIRS), progress=wrong)


class TestArrays:
    def test_numbers(self, db):
        keys, values = np.arange(1000, dtype=">u8"), np.linspace(0, 1, 1000)
        assert db.load_columns(keys, values) == 1000
        there = db[:].to_numpy(key=">u8", value=values.dtype)
        assert (there[0] == keys).all() and (there[1] == values).all()

    def test_rows_of_bytes(self, db):
        keys = np.array([b"a", b"bcd"], "S4")
        assert db.load_columns(keys, np.arange(8, dtype="u1").reshape(2, 4)) == 2
        assert dict(db.items()) == {b"a\0\0\0": b"\0\1\2\3", b"bcd\0": b"\4\5\6\7"}

    def test_records_and_vectors(self, db):
        keys = np.array([(1, 2), (1, 3)], [("tenant", ">u2"), ("id", ">u4")])
        values = np.ones((2, 3, 5), "<f4")
        assert db.load_columns(keys, values) == 2
        assert list(db) == [struct.pack(">HI", 1, 2), struct.pack(">HI", 1, 3)]
        assert db.first()[1] == values[0].tobytes()

    def test_other_buffers(self, db):
        assert db.load_columns(memoryview(b"abc"), array("d", [1, 2, 3])) == 3
        assert db[b"b"] == struct.pack("d", 2)
        assert db.load_columns((ctypes.c_uint8 * 2)(1, 2), (ctypes.c_uint16 * 2)(3, 4)) == 2
        assert db[b"\2"] == struct.pack("H", 4)

    def test_many_batches(self, db):
        told = Told()
        keys, values = np.arange(20000, dtype=">u4"), np.zeros((20000, 200), "u1")
        assert db.load_columns(keys, values, progress=told) == 20000
        assert db.count() == 20000
        assert len(told.calls) >= 4 and {total for _, total in told.calls} == {20000}

    def test_rows_that_are_larger_than_a_batch(self, db):
        values = np.arange(3 << 18, dtype="<u4").reshape(3, -1)
        values = np.concatenate([values] * 2, axis=1)
        assert db.load_columns(np.arange(3, dtype="u1"), values) == 3
        assert db[b"\2"] == values[2].tobytes()

    def test_nothing(self, db):
        assert db.load_columns(np.empty(0, ">u8"), np.empty((0, 5))) == 0
        assert db.load_columns(np.arange(2, dtype="u1"), np.empty((2, 0))) == 2
        assert dict(db.items()) == {b"\0": b"", b"\1": b""}

    def test_there_are_as_many_keys_as_values(self, db):
        with pytest.raises(lsmdb.InvalidArgument, match="3 keys, but 4 values"):
            db.load_columns(np.arange(3), np.arange(4))

    @pytest.mark.parametrize(
        "wrong", [np.arange(6)[::2], np.arange(6)[::-1], np.arange(6).reshape(2, 3).T]
    )
    def test_rows_lie_behind_each_other(self, db, wrong):
        with pytest.raises(BufferError, match="ascontiguousarray"):
            db.load_columns(np.arange(3), wrong)
        assert db.load_columns(np.arange(len(wrong)), np.ascontiguousarray(wrong)) == len(wrong)

    @pytest.mark.parametrize(
        "wrong",
        [
            np.array([b"a", b"b"], object),
            np.array([(1, b"a"), (2, b"b")], [("number", "u1"), ("O", "O")]),
        ],
    )
    def test_pointers_are_no_bytes(self, db, wrong):
        with pytest.raises(TypeError, match="keys cannot be objects"):
            db.load_columns(wrong, np.arange(2))

    def test_pointers_of_c_are_no_bytes(self, db):
        for kind in (ctypes.py_object, ctypes.POINTER(ctypes.c_int), ctypes.CFUNCTYPE(None)):
            with pytest.raises(TypeError, match="values cannot be objects"):
                db.load_columns(np.arange(2), (kind * 2)())

    def test_a_field_may_have_any_name(self, db):
        keys = np.array([1, 2], "u1").view([("O", "u1")])
        assert db.load_columns(keys, np.arange(2)) == 2

    @pytest.mark.parametrize("wrong", [b"ab", bytearray(b"ab"), [1, 2], "ab", None])
    def test_what_is_no_array(self, db, wrong):
        with pytest.raises(TypeError, match=f"keys are {type(wrong).__name__}"):
            db.load_columns(wrong, np.arange(2))
        with pytest.raises(TypeError, match=f"values are {type(wrong).__name__}"):
            db.load_columns(np.arange(2), wrong)

    def test_one_number(self, db):
        with pytest.raises(lsmdb.InvalidArgument, match="keys are one number"):
            db.load_columns(np.array(1), np.array(2))

    def test_an_array_that_changes_meanwhile(self, db):
        keys, values = np.arange(20000, dtype=">u4"), np.zeros((20000, 100), "u1")
        is_done = threading.Event()

        def change():
            while not is_done.is_set():
                values.fill(1)
                values.fill(2)

        thread = threading.Thread(target=change)
        thread.start()
        try:
            assert db.load_columns(keys, values) == 20000
        finally:
            is_done.set()
            thread.join()
        assert db.count() == 20000

    def test_a_buffer_is_let_go(self, db):
        keys = bytearray(b"abc")
        db.load_columns(memoryview(keys), memoryview(b"123"))
        keys.append(1)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.dictionaries(st.binary(min_size=3, max_size=3), st.binary(min_size=5, max_size=5)))
    def test_any_pairs(self, db, pairs):
        db.clear()
        keys = np.frombuffer(b"".join(pairs), "V3") if pairs else np.empty(0, "V3")
        values = np.array([list(value) for value in pairs.values()], "u1").reshape(-1, 5)
        assert db.load_columns(keys, values) == len(pairs)
        assert dict(db.items()) == pairs
