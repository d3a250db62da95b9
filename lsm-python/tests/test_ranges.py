"""Ranges, iterators and cursors: lazy, in order, both ways, each of one moment."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import lsmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

PAIRS = {b"%04d" % number: b"v%d" % number * (number % 50) for number in range(5000)}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lsmdb.DB]:
    with lsmdb.open(tmp_path_factory.mktemp("ranges") / "db") as db:
        half = dict(list(PAIRS.items())[::2])
        db.put_many(half)
        db.flush()
        db.put_many(PAIRS)
        yield db


BOUNDS = st.none() | st.integers(-5, 5005).map(lambda number: b"%04d" % number)


def within(start: bytes | None, stop: bytes | None) -> list[tuple[bytes, bytes]]:
    return [
        (key, value)
        for key, value in PAIRS.items()
        if (start is None or key >= start) and (stop is None or key < stop)
    ]


@settings(max_examples=60, deadline=None)
@given(start=BOUNDS, stop=BOUNDS, reverse=st.booleans(), size=st.integers(1, 2000))
def test_every_way_through_a_range(
    db: lsmdb.DB, start: bytes | None, stop: bytes | None, reverse: bool, size: int
) -> None:
    expected = within(start, stop)
    if reverse:
        expected.reverse()
    span = db.range(start, stop, reverse=reverse)
    assert list(span) == expected
    assert list(span.keys()) == [key for key, _ in expected]
    assert list(span.values()) == [value for _, value in expected]
    assert list(reversed(span)) == expected[::-1]
    assert [pair for chunk in span.chunks(size) for pair in chunk] == expected
    assert all(len(chunk) == size for chunk in list(span.chunks(size))[:-1])
    assert [(bytes(key), bytes(value)) for key, value in span.zero_copy()] == expected
    assert span.count() == len(expected)
    assert span.first() == (expected[0] if expected else None)
    assert span.last() == (expected[-1] if expected else None)
    assert (span.start, span.stop, span.reverse) == (start, stop, reverse)
    if not reverse:
        assert list(db[start:stop]) == expected


def test_a_range_is_a_mapping(db: lsmdb.DB) -> None:
    span = db[b"0100":b"0200"]
    assert dict(span) == dict(span.items()) == dict(within(b"0100", b"0200"))
    assert span[b"0150"] == PAIRS[b"0150"]
    for outside in (b"0099", b"0200", b"01505"):
        with pytest.raises(KeyError):
            span[outside]
    with pytest.raises(TypeError):
        span["0150"]  # type: ignore[index]
    copy = {**span}
    assert len(copy) == 100


def test_what_a_range_contains(db: lsmdb.DB) -> None:
    span = db[b"0100":b"0200"]
    assert b"0100" in span and bytearray(b"0199") in span
    for outside in (b"0099", b"0200", b"01505", b""):
        assert outside not in span
    assert b"0150" in db.range(b"0100", b"0200", reverse=True)
    assert b"0200" in db[b"0100":] and b"0099" not in db[b"0100":]
    for wrong in ("0150", (b"0150", PAIRS[b"0150"]), None):
        with pytest.raises(TypeError):
            wrong in span  # type: ignore[operator]


def test_a_range_of_what_is_closed_contains_nothing_to_speak_of(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        span = db[b"b":b"c"]
    for key in (b"a", b"b"):
        with pytest.raises(lsmdb.Closed):
            key in span


def test_prefixes(db: lsmdb.DB) -> None:
    assert list(db.prefix(b"12").keys()) == [b"12%02d" % number for number in range(100)]
    assert list(db.prefix(b"12", reverse=True).keys()) == [b"12%02d" % n for n in range(99, -1, -1)]
    assert list(db.prefix(b"")) == list(db.items())
    assert list(db.prefix(b"x")) == []


def test_prefixes_of_the_last_bytes(tmp_path: Path) -> None:
    keys = [b"", b"\xfe", b"\xff", b"\xff\x00", b"\xff\xff", b"\xff\xff\xff"]
    with lsmdb.open(tmp_path / "db") as db:
        db.update((key, b"") for key in keys)
        assert list(db) == keys
        for prefix in keys:
            assert list(db.prefix(prefix).keys()) == [k for k in keys if k.startswith(prefix)]


def test_slices_have_no_step(db: lsmdb.DB) -> None:
    for wrong in (slice(None, None, -1), slice(b"a", b"b", 1)):
        with pytest.raises(ValueError, match="step"):
            db[wrong]  # type: ignore[misc]
    with pytest.raises(TypeError):
        db["a":"b"]  # type: ignore[misc]
    with pytest.raises(ValueError):
        db.range().chunks(0)


def test_a_range_is_lazy_and_sees_one_moment_each_time(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        span = db[b"a":b"z"]
        db[b"b"] = b"1"
        walk = iter(span)
        assert next(walk) == (b"b", b"1")
        db[b"c"] = b"2"
        assert list(walk) == []
        assert list(walk) == []
        assert list(span.keys()) == [b"b", b"c"]
        del db[b"b":b"c"]
        assert list(span.keys()) == [b"c"]


KINDS = ["iter", "reversed", "keys", "values", "items", "chunks", "zero_copy", "columns"]


def begun(span: lsmdb.Range) -> dict[str, Iterator[object]]:
    """One of every kind of iterator."""
    made = [iter(span), reversed(span), span.keys(), span.values(), span.items()]
    return dict(zip(KINDS, [*made, span.chunks(2), span.zero_copy(), span.columns(2)], strict=True))


def test_what_is_iterated_over_is_that_of_when_the_iterator_was_made(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db.update({b"a": b"1", b"b": b"2"})
        iterators, columns = begun(db.range()), db.range().columns()
        cursor = db.range().cursor()
        db.update({b"a": b"new", b"c": b"3"})
        old = [(b"a", b"1"), (b"b", b"2")]
        assert list(iterators["iter"]) == list(iterators["items"]) == list(cursor) == old
        assert list(iterators["reversed"]) == old[::-1]
        assert list(iterators["keys"]) == [b"a", b"b"]
        assert list(iterators["values"]) == [b"1", b"2"]
        assert list(iterators["chunks"]) == [old]
        assert list(iterators["zero_copy"]) == old
        assert [list(zip(chunk.keys(), chunk.values())) for chunk in columns] == [old]


@pytest.mark.parametrize("kind", KINDS)
def test_an_iterator_at_its_end_stays_there_when_the_database_is_closed(
    tmp_path: Path, kind: str
) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db.update({b"%d" % number: b"" for number in range(9)})
        ended, going = begun(db.range())[kind], begun(db.range())[kind]
        for _ in ended:
            pass
        next(going)
    for _ in range(2):
        assert next(ended, "end") == "end"
        with pytest.raises(lsmdb.Closed):
            next(going)


@pytest.mark.parametrize("reverse", [False, True])
def test_large_values_are_not_fetched_far_ahead(tmp_path: Path, reverse: bool) -> None:
    pairs = {b"%02d" % number: bytes([number]) * (128 << 10) for number in range(32)}
    with lsmdb.open(tmp_path / "db") as db:
        db.update(pairs)
        db.flush()
    with lsmdb.open(tmp_path / "db") as db:
        lent = db.range(reverse=reverse).zero_copy()
        before = db.metrics()["lsm_cache_misses_total"]
        first = next(lent)
        read = db.metrics()["lsm_cache_misses_total"] - before
        assert 0 < read < 16, "as many blocks as two values and their index take"
        assert [first, *lent] == sorted(pairs.items(), reverse=reverse)


def test_deleted_ranges(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db.update(PAIRS)
        del db[b"1000":b"2000"]
        assert list(db.keys()) == [key for key in PAIRS if not b"1000" <= key < b"2000"]
        del db[b"4000":]
        db.delete_range(None, b"0500")
        assert db.first() == (b"0500", PAIRS[b"0500"])
        assert db.last() == (b"3999", PAIRS[b"3999"])
        del db[b"3":b"1"]
        assert db.count() == 2500
        del db[:]
        assert list(db) == []


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_cursor_is_a_gap(db: lsmdb.DB, data: st.DataObject) -> None:
    keys = sorted(PAIRS)
    cursor, gap = db.range().cursor(), 0
    for _ in range(data.draw(st.integers(1, 40))):
        move = data.draw(st.sampled_from(["next", "prev", "seek", "first", "last", "value"]))
        if move == "next":
            expected = (keys[gap], PAIRS[keys[gap]]) if gap < len(keys) else None
            assert cursor.next() == expected
            gap = min(gap + 1, len(keys))
            value = cursor.value()
            assert (None if value is None else bytes(value)) == (expected and expected[1])
        elif move == "prev":
            assert cursor.prev() == ((keys[gap - 1], PAIRS[keys[gap - 1]]) if gap else None)
            gap = max(gap - 1, 0)
        elif move == "seek":
            number = data.draw(st.integers(0, 5000))
            assert cursor.seek(b"%04d" % number) is cursor
            gap = number
        elif move == "first":
            cursor.seek_first()
            gap = 0
        elif move == "last":
            cursor.seek_last()
            gap = len(keys)


def test_a_cursor_that_is_refreshed_goes_on_in_its_gap(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db.update({b"a": b"1", b"c": b"3"})
        cursor = db.range().cursor()
        assert cursor.next() == (b"a", b"1")
        db.update({b"b": b"2", b"c": b"4"})
        assert cursor.refresh().next() == (b"b", b"2")
        assert list(cursor) == [(b"c", b"4")]
        db[b"d"] = b"5"
        assert cursor.next() is None
        assert cursor.refresh().next() == (b"d", b"5")
        keys_only = db.range(b"b").cursor(keys_only=True)
        assert keys_only.next() == (b"b", b"")
        with keys_only:
            pass
        with pytest.raises(lsmdb.Closed, match="cursor"):
            keys_only.next()


def test_values_are_lent(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db[b"k"] = value = bytes(range(256)) * 20
        lent = db.get_value(b"k")
        assert lent is not None
        assert db.get_value(b"missing") is None
        assert (len(lent), lent == value, hash(lent) == hash(value)) == (5120, True, True)
        assert lent != b"" and lent < b"\x01" and lent in {value}
        view = memoryview(lent)
        assert view.readonly and view[:3] == b"\0\1\2"
        with pytest.raises(BufferError):
            lent.release()
        db[b"k"] = b"other"
        db.compact()
        assert view == value
        with lent as inner, pytest.raises(TypeError):
            inner[0] = 1
        # The other view is still there, so the bytes are.
        assert view == value
    assert view == value
    view.release()
    lent.release()
    lent.release()
    for use in (lambda: bytes(lent), lambda: len(lent), lambda: memoryview(lent)):
        with pytest.raises(ValueError, match="released"):
            use()


def test_a_value_in_with_statements_inside_each_other(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db[b"k"] = value = bytes(1000)
        lent = db.get_value(b"k")
        assert lent is not None
        with lent as outer:
            with lent as inner:
                assert outer == inner == value
            with pytest.raises(ValueError):
                inner[0]
            assert outer == value
        with pytest.raises(ValueError, match="released"):
            bytes(lent)
        again = db.get_value(b"k")
        assert again is not None
        again.__enter__()
        again.__exit__()
        with pytest.raises((BufferError, TypeError)):
            BytesIO(b"x").readinto(db.get_value(b"k"))  # type: ignore[arg-type]
