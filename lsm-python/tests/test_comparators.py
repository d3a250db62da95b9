"""Keyspaces with an order of their own, and single deletes."""

import asyncio
from pathlib import Path

import lsmdb
import pytest
from lsmdb import aio


def by_length(key: bytes) -> bytes:
    return len(key).to_bytes(4, "big")


@pytest.fixture
def db(tmp_path: Path):
    with lsmdb.open(tmp_path / "plain") as db:
        yield db


@pytest.fixture
def words(tmp_path: Path):
    with lsmdb.open(tmp_path / "db", comparators={"by-length": by_length}) as db:
        options = lsmdb.KeyspaceOptions(comparator="user:by-length")
        words = db.keyspace("words", options)
        assert words.options == options
        for word in (b"pear", b"fig", b"banana", b"kiwi", b"apple"):
            words[word] = word.upper()
        yield words


def test_keys_are_in_the_order_of_their_sort_keys(words):
    in_order = [b"fig", b"kiwi", b"pear", b"apple", b"banana"]
    assert list(words) == in_order
    words.flush()
    assert list(words) == in_order
    assert list(reversed(words)) == in_order[::-1]
    assert [key for key, _ in words[b"kiwi":b"banana"]] == [b"kiwi", b"pear", b"apple"]
    assert b"pear" in words[b"kiwi":b"banana"]
    assert b"fig" not in words[b"kiwi":b"banana"]
    assert words[b"apple"] == b"APPLE"
    assert words.first() == (b"fig", b"FIG")
    del words[b"kiwi":b"apple"]
    assert list(words) == [b"fig", b"apple", b"banana"]
    with pytest.raises(lsmdb.InvalidArgument, match="prefix"):
        list(words.prefix(b"b"))


def test_reverse_is_the_order_of_bytes_from_its_end(db):
    back = db.keyspace("back", lsmdb.KeyspaceOptions(comparator="reverse"))
    back.update({b"a": b"1", b"ab": b"2", b"abc": b"3", b"b": b"4", b"ac": b"5"})
    assert list(back) == [b"b", b"ac", b"abc", b"ab", b"a"]
    assert [key for key, _ in back.prefix(b"ab")] == [b"abc", b"ab"]
    assert back.prefix(b"ab").count() == 2
    assert b"abc" in back.prefix(b"ab")
    assert b"ac" not in back.prefix(b"ab")
    assert [key for key, _ in back[b"ac":b"ab"]] == [b"ac", b"abc"]
    assert [part.count() for part in back.range().split(2)] in ([2, 3], [3, 2])
    assert list(back.prefix(b"a", reverse=True).keys()) == [b"a", b"ab", b"abc", b"ac"]


def test_a_function_that_fails_fails_the_call(tmp_path):
    def picky(key: bytes) -> bytes:
        if key == b"bad":
            raise LookupError("no such key")
        return key

    with lsmdb.open(tmp_path / "db", comparators={"picky": picky}) as db:
        chosen = db.keyspace("k", lsmdb.KeyspaceOptions(comparator="user:picky"))
        chosen[b"good"] = b"1"
        for call in (lambda: chosen[b"bad"], lambda: chosen.put(b"bad", b"")):
            with pytest.raises(lsmdb.Aborted, match="LookupError: no such key"):
                call()
        assert list(chosen) == [b"good"]


def test_a_comparator_is_needed_for_its_keyspace_alone(tmp_path, words):
    path = tmp_path / "again"
    with lsmdb.open(path, comparators={"by-length": by_length}) as db:
        db.keyspace("k", lsmdb.KeyspaceOptions(comparator="user:by-length"))[b"a"] = b"1"
    with lsmdb.open(path) as db:
        db[b"plain"] = b"1"
        with pytest.raises(lsmdb.InvalidArgument, match="by-length"):
            db.keyspace("k")
    with pytest.raises(lsmdb.InvalidArgument, match="cannot be the name"):
        lsmdb.open(path, comparators={"two words": by_length})
    with pytest.raises(TypeError, match="sort key"):
        lsmdb.open(path, comparators={"x": b"no function"})
    for wrong in ("sideways", "user:", "user:two words"):
        with pytest.raises(lsmdb.InvalidArgument):
            lsmdb.KeyspaceOptions(comparator=wrong)


def test_single_deletes(db):
    queue = db.keyspace("queue", lsmdb.KeyspaceOptions(write_once=True))
    assert queue.options.write_once
    for number in range(10):
        queue[b"%d" % number] = b"job"
    queue.single_delete(b"0")
    with db.batch() as batch:
        batch.single_delete(b"1", keyspace=queue)
    queue.single_delete(b"none")
    assert list(queue) == [b"%d" % number for number in range(2, 10)]
    queue[b"0"] = b"again"
    assert queue[b"0"] == b"again"

    async def alike() -> None:
        async with aio.open(db.path + "-aio") as other:
            await other.put(b"a", b"1")
            await other.single_delete(b"a")
            assert await other.get(b"a") is None

    asyncio.run(alike())
