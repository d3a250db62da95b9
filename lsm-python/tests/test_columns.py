"""Columns out of a range: chunks, their memory, NumPy arrays, and what reads Arrow."""

import gc
import os
import pickle
import resource
import signal
import struct
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmdb

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")

PAIRS = {b"%04d" % number: b"value" * (number % 7) for number in range(1000)}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[lsmdb.DB]:
    with lsmdb.open(tmp_path / "db") as db:
        yield db


@pytest.fixture
def filled(db: lsmdb.DB) -> lsmdb.DB:
    db.update(PAIRS)
    return db


def pairs_of(table):
    """Gives the pairs of anything that pyarrow makes a table of."""
    table = pa.table(table)
    return list(zip(table["key"].to_pylist(), table["value"].to_pylist(), strict=True))


class TestChunks:
    def test_all_pairs_are_there_in_order(self, filled):
        pairs = []
        for columns in filled[:].columns(rows=300):
            pairs += zip(columns.keys(), columns.values(), strict=True)
        assert pairs == list(PAIRS.items())

    def test_a_chunk_has_as_many_rows_as_were_asked_for(self, filled):
        assert [len(columns) for columns in filled[:].columns(300)] == [300, 300, 300, 100]
        assert [len(columns) for columns in filled[:].columns(1000)] == [1000]

    def test_a_chunk_ends_with_the_row_that_fills_it(self, db):
        db.update({b"%d" % number: b"x" * 9 for number in range(10)})
        assert [len(columns) for columns in db[:].columns(nbytes=30)] == [3, 3, 3, 1]
        assert [columns.nbytes for columns in db[:].columns(nbytes=31)] == [40, 40, 20]

    def test_a_chunk_has_one_row_however_large(self, db):
        db[b"small"], db[b"large"] = b"x", b"y" * (3 << 20)
        assert [len(columns) for columns in db[:].columns(nbytes=1)] == [1, 1]

    @pytest.mark.parametrize("wrong", [{"rows": 0}, {"nbytes": 0}])
    def test_an_empty_chunk_cannot_be_asked_for(self, filled, wrong):
        with pytest.raises(ValueError, match="one pair at least"):
            filled[:].columns(**wrong)

    def test_huge_limits_are_as_good_as_none(self, filled):
        [columns] = filled[:].columns(rows=2**63, nbytes=2**63)
        assert len(columns) == 1000
        assert columns.key_offsets.format == "i"

    def test_an_empty_range_has_no_chunks(self, db):
        assert list(db[:].columns()) == []

    def test_a_reversed_range_is_read_backward(self, filled):
        keys = [key for columns in filled.range(reverse=True).columns(7) for key in columns.keys()]
        assert keys == sorted(PAIRS, reverse=True)

    def test_a_reader_sees_one_moment(self, filled):
        reader = filled[:].columns(600)
        assert len(next(reader)) == 600
        del filled[:]
        assert len(next(reader)) == 400
        assert next(reader, None) is None

    def test_a_snapshot_has_columns(self, filled):
        with filled.snapshot() as snapshot:
            filled.clear()
            assert pairs_of(snapshot.range()) == list(PAIRS.items())

    def test_a_reader_cannot_be_pickled(self, filled):
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(filled[:].columns())


class TestMemory:
    def test_data_and_offsets(self, db):
        db.update({b"a": b"one", b"bb": b"", b"ccc": b"three"})
        [columns] = db[:].columns()
        assert columns.key_data == b"abbccc"
        assert columns.key_offsets.tolist() == [0, 1, 3, 6]
        assert columns.value_data == b"onethree"
        assert columns.value_offsets.tolist() == [0, 3, 3, 8]
        assert (len(columns), columns.nbytes) == (3, 14)

    def test_it_is_lent_and_not_copied(self, filled):
        [columns] = filled[:].columns()
        one, other = np.frombuffer(columns.key_data, "u1"), np.frombuffer(columns.key_data, "u1")
        assert np.shares_memory(one, other)

    def test_it_is_read_only(self, filled):
        [columns] = filled[:].columns()
        for view in (columns.key_data, columns.key_offsets):
            assert view.readonly
            with pytest.raises(TypeError):
                view[0] = 0

    def test_it_outlives_the_chunk_and_the_database(self, filled):
        [columns] = filled[:].columns()
        data, chunk = columns.key_data, weakref.ref(columns)
        del columns
        filled.close()
        gc.collect()
        assert chunk() is None
        assert data[:8] == b"00000001"

    def test_any_kind_of_buffer_can_be_asked_for(self, filled):
        [columns] = filled[:].columns()
        assert bytes(columns.key_offsets)[4:8] == b"\4\0\0\0"
        assert memoryview(columns.key_offsets).cast("B").nbytes == 4 * 1001
        assert hash(columns.key_data) == hash(b"".join(PAIRS))


class TestNumpy:
    def test_numbers(self, db):
        db.update({struct.pack(">Q", n): struct.pack("<f", n) for n in range(500)})
        keys, values = db[:].to_numpy(key=">u8", value="<f4")
        assert keys.dtype == ">u8" and keys.tolist() == list(range(500))
        assert values.tolist() == list(range(500))

    def test_a_column_lies_where_the_chunk_does(self, filled):
        [columns] = filled[:].columns()
        keys, _ = columns.to_numpy(key="S4")
        assert np.shares_memory(keys, np.frombuffer(columns.key_data, "u1"))
        assert not keys.flags.writeable
        assert keys.tolist() == list(PAIRS)

    def test_vectors_and_records(self, db):
        db.update({b"%d" % number: np.full(3, number, "<f4").tobytes() for number in range(5)})
        assert db[:].to_numpy(value=("<f4", 3))[1].tolist() == [[n, n, n] for n in range(5)]
        record = np.dtype([("x", "<f4"), ("rest", "V8")])
        assert db[:].to_numpy(value=record)[1]["x"].tolist() == [0, 1, 2, 3, 4]

    def test_without_a_dtype_it_is_bytes(self, filled):
        keys, values = filled[:].to_numpy()
        assert keys.dtype == values.dtype == object
        assert dict(zip(keys, values, strict=True)) == PAIRS

    def test_a_wrong_width_is_told_with_its_row(self, db):
        db.update({b"aa": b"", b"bb": b"", b"c": b""})
        with pytest.raises(ValueError, match="key in row 2 has 1 bytes, and .S2 takes 2"):
            db[:].to_numpy(key="S2")
        with pytest.raises(ValueError, match="value in row 0 has 0 bytes, and uint8 takes 1"):
            db[:].to_numpy(value="u1")

    def test_widths_that_only_add_up_are_wrong(self, db):
        db.update({b"aaa": b"", b"b": b""})
        with pytest.raises(ValueError, match="key in row 0 has 3 bytes"):
            db[:].to_numpy(key="S2")

    @pytest.mark.parametrize("dtype", ["S", "V0", bytes])
    def test_a_dtype_has_a_width(self, filled, dtype):
        with pytest.raises(TypeError, match="has no width"):
            filled[:].to_numpy(key=dtype)

    @pytest.mark.parametrize("dtype", [object, [("a", "O")], ("O", 3)])
    def test_bytes_never_become_objects(self, filled, dtype):
        with pytest.raises(TypeError, match="Python objects"):
            filled[:].to_numpy(key=dtype)

    def test_an_empty_range(self, db):
        keys, values = db[:].to_numpy(key=">u8", value=("f4", 3))
        assert keys.shape == (0,) and keys.dtype == ">u8"
        assert values.shape == (0, 3)
        assert [len(array) for array in db[:].to_numpy()] == [0, 0]

    def test_a_range_larger_than_what_is_read_at_once(self, db):
        db.put_many((b"%03d" % number, b"x" * (1 << 18)) for number in range(80))
        keys, values = db[:].to_numpy(key="S3", value="V262144")
        assert len(keys) == 80
        assert values.tobytes() == b"x" * (80 << 18)


class TestArrow:
    def test_a_table(self, filled):
        table = pa.table(filled[:])
        assert table.schema == pa.schema(
            [pa.field("key", pa.binary(), False), pa.field("value", pa.binary(), False)]
        )
        table.validate(full=True)
        assert pairs_of(table) == list(PAIRS.items())

    def test_a_table_again_and_again(self, filled):
        half = filled[b"0500":]
        assert pa.table(half) == pa.table(half)
        assert pa.table(half).num_rows == 500

    def test_batches_of_a_size(self, filled):
        reader = pa.RecordBatchReader.from_stream(filled[:].columns(300))
        assert [batch.num_rows for batch in reader] == [300, 300, 300, 100]

    def test_what_is_left_of_a_reader(self, filled):
        reader = filled[:].columns(300)
        next(reader)
        assert pa.table(reader).num_rows == 700
        assert next(reader, None) is None
        with pytest.raises(lsmdb.Closed):
            pa.table(reader)

    def test_an_array(self, filled):
        [columns] = filled[:].columns()
        array = pa.array(columns)
        array.validate(full=True)
        assert array.field("key").to_pylist() == list(PAIRS)
        address = np.frombuffer(columns.key_data, "u1").__array_interface__["data"][0]
        assert array.field("key").buffers()[2].address == address

    def test_large_offsets_where_they_are_asked_for(self, filled):
        large = pa.schema([("key", pa.large_binary()), ("value", pa.large_binary())])
        reader = pa.RecordBatchReader.from_stream(filled[:], schema=large)
        assert reader.schema.field("key").type == pa.large_binary()
        table = reader.read_all()
        table.validate(full=True)
        assert pairs_of(table) == list(PAIRS.items())

    def test_schemas_alone(self, filled):
        expected = pa.table(filled[:]).schema
        assert pa.schema(filled[:]) == expected
        assert pa.schema(filled[:].columns()) == expected
        assert pa.schema(next(filled[:].columns())) == expected

    def test_an_empty_range(self, db):
        table = pa.table(db[:])
        assert (table.num_rows, table.column_names) == (0, ["key", "value"])

    def test_parts_outlive_the_whole(self, filled):
        [columns] = filled[:].columns()
        keys = pa.array(columns).field("key")
        del columns
        filled.close()
        gc.collect()
        keys.validate(full=True)
        assert keys[999].as_py() == b"0999"

    def test_pandas(self, filled):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame.from_arrow(filled[:])
        assert dict(zip(frame["key"], frame["value"], strict=True)) == PAIRS

    def test_polars(self, filled):
        polars = pytest.importorskip("polars")
        assert polars.DataFrame(filled[:]).rows() == list(PAIRS.items())

    def test_duckdb(self, filled):
        duckdb = pytest.importorskip("duckdb")
        pairs = filled[b"0500":]  # noqa: F841
        connection = duckdb.connect()
        counted = connection.sql("select count(*), min(key), sum(octet_length(value)) from pairs")
        bytes_there = sum(len(value) for key, value in PAIRS.items() if key >= b"0500")
        assert counted.fetchall() == [(500, b"0500", bytes_there)]

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=50)), st.integers(1, 9))
    def test_any_pairs(self, db, pairs, rows):
        db.clear()
        db.update(pairs)
        table = pa.RecordBatchReader.from_stream(db[:].columns(rows)).read_all()
        table.validate(full=True)
        assert pairs_of(table) == sorted(pairs.items())


class TestLifetimes:
    def test_capsules_that_nobody_takes(self, filled):
        [columns] = filled[:].columns()
        capsules = [filled[:].__arrow_c_stream__(), filled[:].__arrow_c_schema__()]
        capsules += columns.__arrow_c_array__()
        del capsules, columns
        gc.collect()
        filled.close()

    def test_a_capsule_is_taken_once(self, filled):
        capsule = filled[:].__arrow_c_stream__()

        class Again:
            def __arrow_c_stream__(self, requested_schema=None):
                return capsule

        assert pa.table(Again()).num_rows == 1000
        with pytest.raises(ValueError):
            filled.load(Again())

    @pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
    def test_a_stream_keeps_the_database(self, tmp_path):
        def opened():
            db = lsmdb.open(tmp_path / "kept")
            db.update(PAIRS)
            return pa.RecordBatchReader.from_stream(db[:].columns(10))

        reader = opened()
        gc.collect()
        assert reader.read_all().num_rows == 1000
        with pytest.warns(ResourceWarning, match="kept"):
            del reader
            gc.collect()
        lsmdb.open(tmp_path / "kept").close()

    def test_a_stream_of_a_closed_database(self, filled):
        reader = pa.RecordBatchReader.from_stream(filled[:].columns(300))
        assert reader.read_next_batch().num_rows == 300
        filled.close()
        for _ in range(2):
            with pytest.raises(pa.ArrowInvalid, match="database is closed"):
                reader.read_next_batch()

    def test_a_reader_of_a_closed_database(self, filled):
        reader = filled[:].columns(300)
        next(reader)
        filled.close()
        for _ in range(2):
            with pytest.raises(lsmdb.Closed):
                next(reader)

    def test_a_closed_database_gives_nothing(self, filled):
        pairs = filled[:]
        filled.close()
        for call in (pairs.columns, pairs.to_numpy, pairs.__arrow_c_stream__):
            with pytest.raises(lsmdb.Closed):
                call()

    @pytest.mark.skipif(
        "libasan" in os.environ.get("LD_PRELOAD", ""), reason="a sanitizer keeps what is freed"
    )
    def test_nothing_is_left_behind(self, filled):
        pairs = filled[b"0900":]

        def use():
            [columns] = pairs.columns()
            columns.to_numpy(key="S4")
            pa.array(columns)
            pa.table(pairs)
            pairs.__arrow_c_stream__()
            pairs.__arrow_c_schema__()
            next(pairs.columns(10)).__arrow_c_array__()

        assert grown(use) < 4 << 20

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child_is_refused(self, filled):
        reader = filled[:].columns(10)
        next(reader)
        stream = pa.RecordBatchReader.from_stream(filled[:].columns(10))
        pairs = filled[b"0500":]
        [columns] = pairs.columns()

        def child():
            for call in (lambda: next(reader), pairs.columns, reader.__arrow_c_stream__):
                with pytest.raises(lsmdb.ForkedProcess):
                    call()
            with pytest.raises(pa.ArrowInvalid, match="fork"):
                stream.read_next_batch()
            assert columns.keys()[0] == b"0500"

        assert in_child(child) == 0
        assert len(next(reader)) == 10
        assert stream.read_all().num_rows == 1000


class TestThreads:
    def test_one_reader_for_several_threads(self, filled):
        reader, keys = filled[:].columns(3), []

        def read():
            for columns in reader:
                keys.extend(columns.keys())

        together([read] * 4)
        assert sorted(keys) == list(PAIRS)

    def test_several_streams_and_a_writer(self, filled):
        failures = []

        def read():
            for _ in range(20):
                pairs = pairs_of(filled[:])
                if len(pairs) < 1000 or pairs != sorted(pairs):
                    failures.append(len(pairs))

        def write():
            for number in range(2000):
                filled[b"new%d" % number] = b"x"

        together([read, read, write])
        assert not failures

    def test_others_run_while_a_stream_is_read(self, filled):
        turns, is_done = [], threading.Event()

        def count():
            while not is_done.is_set():
                turns.append(1)
                time.sleep(0.0001)

        thread = threading.Thread(target=count)
        thread.start()
        for _ in range(20):
            pa.table(filled[:])
        is_done.set()
        thread.join()
        assert turns

    def test_a_stream_inside_a_call_that_reads_another(self, filled, tmp_path):
        """pyarrow releases the interpreter inside of a call that has it."""

        def pairs():
            for key, value in PAIRS.items():
                if key.endswith(b"00"):
                    assert pa.table(filled[:]).num_rows == 1000
                yield key, value

        with lsmdb.open(tmp_path / "other") as other:
            other.update(pairs())
            assert other.count() == 1000

    def test_ctrl_c(self, filled):
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            while time.monotonic() < began + 5:
                try:
                    pa.table(filled[:])
                except OSError as error:
                    assert "signal" in str(error)
                filled[:].to_numpy()
        assert time.monotonic() < began + 2


def grown(use, rounds=1000):
    """Gives by how many bytes the process grows with so many more rounds."""

    def size():
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    for _ in range(rounds // 5):
        use()
    before = size()
    for _ in range(rounds):
        use()
    return size() - before


def in_child(work):
    """Does `work` in a forked child, and gives its exit status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def together(works):
    """Does all of it at once, each in a thread."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
