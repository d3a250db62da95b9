"""Merge operators: built-in ones, functions of Python's, and what is refused."""

import asyncio
import gc
import math
import struct
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lsmdb
import pytest
from lsmdb import aio, codecs


def i64(number: int) -> bytes:
    return number.to_bytes(8, "little", signed=True)


def counts_of(db: lsmdb.DB, **chosen: Any) -> lsmdb.Keyspace:
    return db.keyspace("counts", lsmdb.KeyspaceOptions(merge_operator="add_i64", **chosen))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[lsmdb.DB]:
    with lsmdb.DB(tmp_path / "db") as db:
        yield db


def test_a_counter_counts(db: lsmdb.DB) -> None:
    counts = counts_of(db)
    counts.merge(b"k", i64(40))
    counts.merge(b"k", i64(3), durability="durable")
    with db.batch() as batch:
        batch.merge(b"k", i64(-1), keyspace=counts)
    assert counts[b"k"] == i64(42)
    assert counts.options.merge_operator == "add_i64"
    for settle in (db.flush, db.compact):
        settle()
        assert dict(counts) == {b"k": i64(42)}
        assert list(reversed(counts)) == [b"k"]
        assert counts.get_many([b"k", b"none"]) == [i64(42), None]
    before = db.snapshot()
    counts.merge(b"k", i64(1))
    assert counts.at(before)[b"k"] == i64(42)
    assert counts[b"k"] == i64(43)


@pytest.mark.parametrize(
    ("operator", "operands", "value"),
    [
        ("add_f64", [struct.pack("<d", 0.5), struct.pack("<d", 1.0)], struct.pack("<d", 1.5)),
        ("min", [b"b", b"a", b"c"], b"a"),
        ("max", [b"b", b"a", b"c"], b"c"),
        ("append", [b"b", b"a", b""], b"ba"),
        ("bit_or", [b"\1", b"\2\4"], b"\3\4"),
        ("set_union", [b"\1\0\0\0b", b"\1\0\0\0a"], b"\1\0\0\0a\1\0\0\0b"),
        ("json_merge_patch", [b'{"a": 1, "b": 2}', b'{"a": null, "c": [3]}'], b'{"b":2,"c":[3]}'),
    ],
)
def test_each_built_in_operator_does_what_it_says(
    db: lsmdb.DB, operator: str, operands: list[bytes], value: bytes
) -> None:
    chosen = db.keyspace("ks", lsmdb.KeyspaceOptions(merge_operator=operator))
    for operand in operands:
        chosen.merge(b"k", operand)
    assert chosen[b"k"] == value
    db.compact()
    assert chosen[b"k"] == value


def test_what_makes_no_sense_is_refused(db: lsmdb.DB) -> None:
    counts = counts_of(db)
    counts.merge(b"k", i64(1))
    with pytest.raises(lsmdb.InvalidArgument, match="8 bytes"):
        counts.merge(b"k", b"four")
    with pytest.raises(lsmdb.InvalidArgument, match="add_i64"):
        counts[b"k"] = b"four"
    with pytest.raises(lsmdb.InvalidArgument, match="no merge operator"):
        db.merge(b"k", i64(1))
    with pytest.raises(lsmdb.InvalidArgument), db.batch() as batch:
        batch.merge(b"k", b"four", keyspace=counts)
    with pytest.raises(lsmdb.InvalidArgument, match="add_i64.*max"):
        db.keyspace("counts", lsmdb.KeyspaceOptions(merge_operator="max"))
    with pytest.raises(lsmdb.InvalidArgument, match="nobody"):
        db.keyspace("others", lsmdb.KeyspaceOptions(merge_operator="nobody"))
    assert counts[b"k"] == i64(1)


def test_what_is_merged_expires_as_it_is_told(db: lsmdb.DB) -> None:
    counts = counts_of(db, ttl_ms=3_600_000)
    counts.merge(b"usual", i64(1))
    assert 3500 < counts.ttl(b"usual") <= 3600
    counts.merge(b"usual", i64(1), ttl=60)
    assert 50 < counts.ttl(b"usual") <= 60
    counts.merge(b"usual", i64(1), ttl=math.inf)
    assert counts.expires_at(b"usual") is None and counts[b"usual"] == i64(3)
    counts.merge(b"usual", i64(1), expires_at=5)
    assert b"usual" not in counts


def joined(key: bytes, base: bytes | None, operands: list[bytes]) -> bytes:
    assert isinstance(key, bytes) and all(isinstance(operand, bytes) for operand in operands)
    if b"fail" in operands:
        raise ValueError("planned")
    return b",".join(operands if base is None else [base, *operands])


def no_comma(operand: bytes) -> bool:
    return b"," not in operand


JOIN = lsmdb.MergeOperator("join", joined, lambda key, a, b: a + b"," + b, no_comma)


def words_of(db: lsmdb.DB) -> lsmdb.Keyspace:
    return db.keyspace("words", lsmdb.KeyspaceOptions(merge_operator="join"))


def test_an_operator_may_be_a_function(tmp_path: Path) -> None:
    with lsmdb.DB(tmp_path / "db", merge_operators=[JOIN]) as db:
        words = words_of(db)
        words[b"k"] = b"a"
        db.flush()
        words.merge(b"k", b"b")
        words.merge(b"k", b"c")
        db.flush()
        words.merge(b"bare", b"d")
        assert dict(words) == {b"k": b"a,b,c", b"bare": b"d"}
        words.compact()
        assert dict(words) == {b"k": b"a,b,c", b"bare": b"d"}
        with pytest.raises(lsmdb.InvalidArgument, match="False"):
            words.merge(b"k", b"b,c")
        with pytest.raises(lsmdb.InvalidArgument, match="False"), db.batch() as batch:
            batch.merge(b"k", b"b,c", keyspace=words)
        db[b"plain"] = b"value"
    with lsmdb.DB(tmp_path / "db") as db:
        assert db[b"plain"] == b"value"
        with pytest.raises(lsmdb.InvalidArgument, match="join"):
            db.keyspace("words")
    with lsmdb.DB(tmp_path / "db", merge_operators={"join": joined}) as db:
        assert db.keyspace("words")[b"k"] == b"a,b,c"


def test_what_a_function_raises_is_an_error_and_loses_nothing(tmp_path: Path) -> None:
    fails = True

    def merge(key: bytes, base: bytes | None, operands: list[bytes]) -> bytes:
        if fails:
            raise ValueError("planned")
        return b"".join([base or b"", *operands])

    with lsmdb.DB(tmp_path / "db", merge_operators={"own": merge}) as db:
        own = db.keyspace("own", lsmdb.KeyspaceOptions(merge_operator="own"))
        own.merge(b"k", b"1")
        own.merge(b"k", b"2")
        for settle in (lambda: None, db.flush, own.compact):
            settle()
            with pytest.raises(lsmdb.Aborted, match="ValueError: planned"):
                own[b"k"]
            with pytest.raises(lsmdb.Aborted):
                dict(own)
        fails = False
        assert own[b"k"] == b"12"


@pytest.mark.parametrize("operators", [{"max": joined}, {"a b": joined}, [JOIN, JOIN]])
def test_names_that_cannot_be_taken_are_refused(tmp_path: Path, operators: Any) -> None:
    with pytest.raises(lsmdb.InvalidArgument):
        lsmdb.DB(tmp_path / "db", merge_operators=operators)


def test_an_operator_is_made_of_functions(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        lsmdb.DB(tmp_path / "db", merge_operators={"own": 5})


def test_operators_may_read_and_many_threads_may_ask(tmp_path: Path) -> None:
    def merge(key: bytes, base: bytes | None, operands: list[bytes]) -> bytes:
        return db[b"told"] + (base or b"") + b"".join(operands)

    with lsmdb.DB(tmp_path / "db", merge_operators={"own": merge}) as db:
        db[b"told"] = b"!"
        own = db.keyspace("own", lsmdb.KeyspaceOptions(merge_operator="own"))
        own.merge(b"k", b"1")
        seen: list[bytes] = []

        def read() -> None:
            seen.extend(own[b"k"] for _ in range(100))

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        db.flush()
        for thread in threads:
            thread.join()
        assert set(seen) == {b"!1"}


def test_a_database_that_its_operator_holds_is_collected(tmp_path: Path) -> None:
    class Holder:
        db: lsmdb.DB

        def merge(self, key: bytes, base: bytes | None, operands: list[bytes]) -> bytes:
            return b""

    holder = Holder()
    db = lsmdb.DB(tmp_path / "db", merge_operators={"own": holder.merge})
    holder.db = db
    alive = weakref.ref(holder)
    db.close()
    del db, holder
    gc.collect()
    assert alive() is None


def test_typed_views_and_the_asynchronous_face_merge(tmp_path: Path) -> None:
    with lsmdb.DB(tmp_path / "db") as db:
        log = db.keyspace("log", lsmdb.KeyspaceOptions(merge_operator="append"))
        view = codecs.typed(log, key=str, value=str)
        view.merge("k", "a")
        view.merge("k", "b")
        assert view["k"] == "ab"

    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            counts = await db.keyspace(
                "counts", lsmdb.KeyspaceOptions(merge_operator="add_i64")
            )
            await counts.merge(b"k", i64(1))
            async with db.batch() as batch:
                batch.merge(b"k", i64(2), keyspace=counts)
            assert await counts.get(b"k") == i64(3)

    asyncio.run(main())
