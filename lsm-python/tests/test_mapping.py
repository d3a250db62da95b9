"""A database as a mapping: what Python's own tests ask of one, adapted to bytes.

Two things differ, and both are meant: deletes raise no KeyError, since finding out would cost a
read, and there is no len(), which would read everything. Keyspaces and subclasses of DB behave
alike.
"""

import mmap
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lsmdb
import pytest

REFERENCE = {b"1": b"2", b"key1": b"value1", b"key2": b"some bytes"}
OTHER = {b"key3": b"", b"key4": bytes(range(256))}


class Own(lsmdb.DB):
    """A class of a user's own, with attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.users = self.keyspace("users")


@pytest.fixture(params=["database", "keyspace", "own"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[lsmdb.Writable]:
    db = Own(tmp_path / "db") if request.param == "own" else lsmdb.open(tmp_path / "db")
    with db:
        yield db.keyspace("k") if request.param == "keyspace" else db


@pytest.fixture
def full(empty: lsmdb.Writable) -> lsmdb.Writable:
    empty.update(REFERENCE)
    return empty


def test_reading(full: lsmdb.Writable) -> None:
    for key, value in REFERENCE.items():
        assert full[key] == value
        assert key in full
        assert full.get(key, b"else") == value
    for key in OTHER:
        assert key not in full
        with pytest.raises(KeyError) as missing:
            full[key]
        assert missing.value.args == (key,)
        assert full.get(key) is None
        assert full.get(key, 3) == 3
    assert full.keys().__next__() == b"1"
    assert list(full.keys()) == list(full) == sorted(REFERENCE)
    assert list(full.values()) == [REFERENCE[key] for key in sorted(REFERENCE)]
    assert list(full.items()) == sorted(REFERENCE.items())
    assert list(reversed(full)) == sorted(REFERENCE, reverse=True)
    assert dict(full) == REFERENCE
    assert {**full} == REFERENCE
    assert full == full
    assert full != REFERENCE


def test_the_empty_one(empty: lsmdb.Writable) -> None:
    assert list(empty) == list(empty.items()) == list(empty.values()) == []
    assert empty.first() is None
    assert empty.last() is None
    assert empty.count() == 0
    assert bool(empty) is True
    with pytest.raises(TypeError):
        len(empty)  # type: ignore[arg-type]


def test_writing(full: lsmdb.Writable) -> None:
    for key, value in OTHER.items():
        full[key] = value
        assert full[key] == value
    for key in OTHER:
        del full[key]
        assert full.get(key) is None
        del full[key]
    assert dict(full) == REFERENCE


def test_pop(full: lsmdb.Writable) -> None:
    assert full.pop(b"1") == b"2"
    assert b"1" not in full
    with pytest.raises(KeyError):
        full.pop(b"1")
    assert full.pop(b"1", None) is None
    assert full.pop(b"key1", 5) == b"value1"


def test_popitem(full: lsmdb.Writable) -> None:
    assert [full.popitem() for _ in REFERENCE] == sorted(REFERENCE.items())
    with pytest.raises(KeyError):
        full.popitem()


def test_setdefault(empty: lsmdb.Writable) -> None:
    assert empty.setdefault(b"a", b"1") == b"1"
    assert empty.setdefault(b"a", b"2") == b"1"
    assert empty[b"a"] == b"1"


def test_clear(full: lsmdb.Writable) -> None:
    full.clear()
    assert list(full) == []


class Keyed:
    """What dict.update takes for a mapping: keys() and brackets."""

    def keys(self) -> list[bytes]:
        return list(OTHER)

    def __getitem__(self, key: bytes) -> bytes:
        return OTHER[key]


@pytest.mark.parametrize(
    "source",
    [OTHER, list(OTHER.items()), iter(OTHER.items()), Keyed(), ([bytearray(k), v] for k, v in OTHER.items())],
    ids=["mapping", "pairs", "iterator", "keyed", "lists"],
)  # fmt: skip
def test_update(tmp_path: Path, source: Any) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db.update(source)
        assert dict(db) == OTHER
        db.update()
        db |= REFERENCE
        assert dict(db) == {**OTHER, **REFERENCE}


class Failing:
    """What fails in the middle of being read."""

    def __init__(self, *good: tuple[bytes, bytes]) -> None:
        self.good = good

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        yield from self.good
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (Failing((b"a", b"1")), ZeroDivisionError),
        ([(b"a", b"1"), ("b", b"2")], TypeError),
        ([(b"a", b"1"), (b"b",)], ValueError),
        ([(b"a", b"1"), 3], TypeError),
        (5, TypeError),
    ],
)
def test_an_update_is_all_or_nothing(empty: lsmdb.Writable, source: Any, error: type) -> None:
    with pytest.raises(error):
        empty.update(source)
    assert list(empty) == []


def test_a_database_updates_a_database(full: lsmdb.Writable, tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "other") as other:
        other.update(full)
        assert dict(other) == REFERENCE


def test_put_many_tells_how_far_it_is(empty: lsmdb.Writable) -> None:
    told: list[tuple[int, int]] = []
    pairs = [(b"%06d" % number, bytes(1000)) for number in range(3000)]
    assert empty.put_many(pairs, progress=lambda *far: told.append(far)) == 3000
    assert empty.count() == 3000
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == (3000, 3000)
    with pytest.raises(ZeroDivisionError):
        empty.put_many(Failing((b"kept", b"")))
    assert empty.put_many({}) == 0


NO_BYTES = ["text", 3, 2.5, None, [1], object()]


@pytest.mark.parametrize("wrong", NO_BYTES)
def test_only_bytes_go_in(empty: lsmdb.Writable, wrong: Any) -> None:
    calls = [
        lambda: empty[wrong],
        lambda: empty.get(wrong),
        lambda: wrong in empty,
        lambda: empty.put(wrong, b""),
        lambda: empty.put(b"", wrong),
        lambda: empty.delete(wrong),
        lambda: empty.prefix(wrong),
        lambda: empty.get_many([b"a", wrong]),
        lambda: empty.pop(wrong),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="bytes"):
            call()
    assert list(empty) == []


def test_text_is_told_to_be_encoded(empty: lsmdb.Writable) -> None:
    with pytest.raises(TypeError, match="encode"):
        empty["text"]  # type: ignore[call-overload]


def test_anything_with_a_buffer_goes_in(empty: lsmdb.Writable) -> None:
    empty[bytearray(b"a")] = memoryview(b"xyz")[1:]
    empty[memoryview(b"b")] = array("d", [1.0])
    empty[array("H", [1])] = bytearray()
    assert empty[b"a"] == b"yz"
    assert empty[b"b"] == array("d", [1.0]).tobytes()
    assert empty[b"\x01\x00"] == b""
    with pytest.raises(BufferError, match="contiguous"):
        empty[b"c"] = memoryview(b"abcdef")[::2]


def test_arrays_of_ctypes_go_in(empty: lsmdb.Writable) -> None:
    import ctypes

    key = (ctypes.c_ubyte * 3)(*b"key")
    empty[key] = (ctypes.c_uint16 * 2)(1, 0xFFFF)
    assert empty[key] == empty[b"key"] == array("H", [1, 0xFFFF]).tobytes()
    empty[b"number"] = ctypes.c_ubyte(7)
    assert empty[b"number"] == b"\x07"
    room = (ctypes.c_ubyte * 4)()
    assert empty.get_into(b"key", room) == 4
    assert bytes(room) == empty[b"key"]


def test_a_buffer_says_itself_why_it_has_no_bytes(empty: lsmdb.Writable) -> None:
    view = memoryview(b"key")
    view.release()
    with mmap.mmap(-1, 16) as mapped:
        empty[b"key"] = mapped
    assert empty[b"key"] == bytes(16)
    for gone, why in ((view, "released"), (mapped, "closed")):
        for use in (empty.get, lambda key: empty.put(b"key", key), lambda key: key in empty):
            with pytest.raises(ValueError, match=why):
                use(gone)


def test_put_many_hears_what_a_length_raises(empty: lsmdb.Writable) -> None:
    class Sized(list[tuple[bytes, bytes]]):
        def __len__(self) -> int:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        empty.put_many(Sized([(b"key", b"value")]))
    assert list(empty) == []


def test_get_into(full: lsmdb.Writable) -> None:
    buffer = bytearray(b"........")
    assert full.get_into(b"1", buffer) == 1
    assert buffer == b"2......."
    assert full.get_into(b"missing", buffer) is None
    assert full.get_into(b"key1", memoryview(buffer)[2:]) == 6
    assert buffer == b"2.value1"
    with pytest.raises(BufferError, match="10 bytes, the buffer 8"):
        full.get_into(b"key2", buffer)
    with pytest.raises((BufferError, TypeError)):
        full.get_into(b"1", b"read only")
    with pytest.raises((BufferError, TypeError)):
        full.get_into(b"1", 5)  # type: ignore[arg-type]


def test_limits_are_refused(empty: lsmdb.Writable) -> None:
    with pytest.raises(lsmdb.TooLarge):
        empty[bytes(70_000)] = b""
    with pytest.raises(ValueError):
        empty.put(b"k", b"v", durability="always")  # type: ignore[arg-type]
    for timeout in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            empty.put(b"k", b"v", timeout=timeout)
    assert list(empty) == []


def test_every_durability(empty: lsmdb.Writable) -> None:
    for durability in ("durable", "buffered", "volatile"):
        empty.put(durability.encode(), b"", durability=durability, timeout=60, low_priority=True)
    assert empty.count() == 3


def test_bytes_that_mean_something_else_are_refused(empty: lsmdb.Writable) -> None:
    from array import array

    np = pytest.importorskip("numpy")
    things = np.array([b"a", None], object)
    empty[b"k"] = bytes(8)
    for call in (
        lambda: empty.put(things, b""),
        lambda: empty.put(b"", things),
        lambda: empty.get_into(b"k", things),
        lambda: empty.load_columns(things, things),
    ):
        with pytest.raises(TypeError, match="pointers"):
            call()
    assert things[1] is None
    for text in (np.array(["ab"]), array("u", "ab")):
        with pytest.raises(TypeError, match="encode"):
            empty[text] = b""
    with pytest.raises(TypeError, match="encode"):
        empty.load_columns(np.array(["a"]), np.array([b"a"]))
    fields = np.array([(1, 2)], dtype=[("Ow", "u1"), ("u", "u1")])
    empty[fields] = np.array([1, 2], "<u2")
    assert empty[b"\x01\x02"] == b"\x01\0\x02\0"
