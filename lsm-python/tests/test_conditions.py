"""Writes that are made only if something is so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import lsmdb
import pytest
from lsmdb import aio, codecs


@pytest.fixture
def db(tmp_path: Path) -> Iterator[lsmdb.DB]:
    with lsmdb.open(tmp_path / "db") as db:
        yield db


def test_a_batch_is_written_if_its_conditions_hold(db: lsmdb.DB) -> None:
    users = db.keyspace("users")
    batch = db.batch()
    batch.require_absent(b"a")
    batch.require_absent(b"a", keyspace=users)
    batch.put(b"a", b"1")
    assert (batch.conditions, len(batch)) == (2, 1)
    assert batch.commit() == db.latest_seqno
    assert batch.conditions == 0
    batch.require_absent(b"a")
    batch.put(b"a", b"2")
    with pytest.raises(lsmdb.Conflict, match="condition 0 .*: the key has a value"):
        batch.commit()
    assert (batch.conditions, len(batch), db[b"a"]) == (1, 1, b"1")
    batch.clear()
    with pytest.raises(lsmdb.Conflict), db.batch() as other:
        other.require_value(b"a", b"2")
        other.delete(b"a")
    with db.batch() as other:
        other.require_value(b"a", bytearray(b"1"))
        other.delete(b"a")
    assert b"a" not in db


def test_a_batch_keeps_the_snapshot_since_which_nothing_has_changed(db: lsmdb.DB) -> None:
    db[b"a"] = b"1"
    batch = db.batch()
    with db.snapshot() as snapshot:
        batch.require_unchanged(b"a", snapshot)
    with pytest.raises(lsmdb.Closed):
        batch.require_unchanged(b"a", snapshot)
    db[b"b"] = b"1"
    db.compact()
    assert batch.commit() == db.latest_seqno
    with db.snapshot() as snapshot:
        batch.require_unchanged(b"a", snapshot)
    db[b"a"] = b"1"
    db.compact()
    with pytest.raises(lsmdb.Conflict, match="since the snapshot"):
        batch.commit()


def test_conditions_are_of_one_database_and_of_keyspaces_that_are_there(
    db: lsmdb.DB, tmp_path: Path
) -> None:
    batch = db.batch()
    with lsmdb.open(tmp_path / "other") as other:
        with pytest.raises(lsmdb.InvalidArgument):
            batch.require_absent(b"a", keyspace=other)
        with pytest.raises(lsmdb.InvalidArgument):
            batch.require_unchanged(b"a", other.snapshot())
    with pytest.raises(lsmdb.TooLarge):
        batch.require_absent(b"a" * 65_536)
    with pytest.raises(TypeError):
        batch.require_value(b"a", "text")  # type: ignore[arg-type]
    assert batch.conditions == 0
    users = db.keyspace("users")
    batch.require_absent(b"a", keyspace=users)
    db.drop_keyspace("users")
    with pytest.raises(lsmdb.Closed):
        batch.commit()


def test_what_is_read_and_written_in_one_step(db: lsmdb.DB) -> None:
    assert db.insert_if_absent(b"a", b"1", durability="durable")
    assert not db.insert_if_absent(b"a", b"2")
    assert db.compare_and_set(b"a", b"1", b"")
    assert not db.compare_and_set(b"a", b"1", None)
    assert not db.compare_and_set(b"a", None, b"3")
    assert db.compare_and_set(b"a", b"", None)
    assert db.compare_and_set(b"a", None, None)
    assert b"a" not in db
    with pytest.raises(lsmdb.TooLarge):
        db.insert_if_absent(b"a" * 65_536, b"")

    assert db.fetch_update(b"n", lambda old: (old or b"") + b"+") is None
    assert db.fetch_update(b"n", lambda old: (old or b"") + b"+") == b"+"
    assert db.fetch_update(b"n", lambda _: None) == b"++"
    assert b"n" not in db

    def fail(_: bytes | None) -> bytes:
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        db.fetch_update(b"n", fail)
    with pytest.raises(TypeError):
        db.fetch_update(b"n", lambda _: 5)  # type: ignore[arg-type, return-value]
    assert list(db) == []


def test_whoever_is_overtaken_begins_again(db: lsmdb.DB) -> None:
    calls = []

    def update(old: bytes | None) -> bytes:
        calls.append(old)
        if len(calls) < 3:
            db[b"n"] = b"%d" % len(calls)
        return b"done"

    assert db.fetch_update(b"n", update) == b"2"
    assert calls == [None, b"1", b"2"]
    assert db[b"n"] == b"done"


def test_counters_that_threads_raise_together_lose_nothing(db: lsmdb.DB) -> None:
    def work() -> None:
        for _ in range(200):
            db.fetch_update(b"n", lambda old: b"%d" % (int(old or 0) + 1))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db[b"n"] == b"800"


def test_of_those_who_take_a_pair_away_each_gets_another_one(db: lsmdb.DB) -> None:
    db.update((b"%03d" % it, b"") for it in range(300))
    taken: list[bytes] = []
    popped: list[bytes | None] = []

    def work() -> None:
        for it in range(60):
            taken.append(db.popitem()[0])
            popped.append(db.pop(b"%03d" % (299 - it), None))
            db.setdefault(b"own", b"%d" % threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [b"%03d" % it for it in range(240)]
    assert popped.count(b"") == 60
    assert list(db) == [b"own"]


def test_typed_views_have_conditions_too(db: lsmdb.DB) -> None:
    scores = codecs.typed(db, key=str, value=int)
    assert scores.insert_if_absent("ann", 1)
    assert not scores.insert_if_absent("ann", 2)
    assert scores.fetch_update("ann", lambda old: (old or 0) + 1) == 1
    assert scores.fetch_update("bob", lambda old: old) is None
    assert dict(scores) == {"ann": 2}
    with db.snapshot() as snapshot, db.batch() as batch:
        view = scores.into(batch)
        view.require_absent("bob")
        view.require_value("ann", 2)
        view.require_unchanged("ann", snapshot)
        view["bob"] = 3
        assert batch.conditions == 3
    assert scores.fetch_update("bob", lambda _: None) == 3
    assert dict(scores) == {"ann": 2}


def test_the_same_in_a_loop(tmp_path: Path) -> None:
    async def raised(db: aio.DB) -> None:
        for _ in range(50):
            await db.fetch_update(b"n", lambda old: b"%d" % (int(old or 0) + 1))

    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            users = await db.keyspace("users")
            assert await users.insert_if_absent(b"a", b"1", durability="durable")
            assert not await users.insert_if_absent(b"a", b"2")
            assert await users.compare_and_set(b"a", b"1", None)
            assert not await users.compare_and_set(b"a", b"1", b"2")
            assert await users.fetch_update(b"a", lambda _: None) is None
            async with db.snapshot() as snapshot, db.batch() as batch:
                batch.require_absent(b"a", keyspace=users)
                batch.require_unchanged(b"n", snapshot)
                batch.put(b"n", b"0")
                assert batch.conditions == 2
            with pytest.raises(lsmdb.Conflict):
                async with db.batch() as batch:
                    batch.require_value(b"n", b"1")
                    batch.delete(b"n")
            await asyncio.gather(*(raised(db) for _ in range(4)))
            assert await db.get(b"n") == b"200"

    asyncio.run(main(), debug=True)
