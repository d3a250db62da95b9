"""Values that expire."""

import asyncio
import json
import math
import time
from datetime import UTC, datetime, timedelta

import lsmdb
import pytest
from lsmdb import aio, codecs

# What is written and looked at at once is there yet, also on a machine with too much to do.
SOON = 0.6


def pass_soon() -> None:
    end = time.time() + SOON + 0.02
    while time.time() < end:
        time.sleep(0.005)


@pytest.fixture
def db(tmp_path):
    with lsmdb.open(tmp_path / "db") as db:
        yield db


def test_a_value_expires(db):
    db.put(b"soon", b"1", ttl=SOON)
    db.put(b"later", b"1", ttl=timedelta(hours=1))
    db[b"ever"] = b"1"
    assert db[b"soon"] == b"1" and list(db) == [b"ever", b"later", b"soon"]
    assert 3590 < db.ttl(b"later") <= 3600
    assert abs(db.expires_at(b"later") - time.time() - 3600) < 10
    assert db.ttl(b"ever") is None and db.expires_at(b"ever") is None
    pass_soon()
    assert db.get(b"soon") is None and b"soon" not in db
    assert list(db) == [b"ever", b"later"] and db.count() == 2
    assert db.get_many([b"soon", b"ever"]) == [None, b"1"]
    for ask in (db.ttl, db.expires_at):
        with pytest.raises(KeyError):
            ask(b"soon")


def test_a_snapshot_keeps_to_its_time(db):
    db.put(b"k", b"1", ttl=SOON)
    with db.snapshot() as snapshot:
        pass_soon()
        assert snapshot[b"k"] == b"1" and snapshot.expires_at(b"k") > 0
        assert b"k" not in db
        db.compact()
        assert snapshot[b"k"] == b"1"


@pytest.mark.parametrize(
    "how",
    [
        {"ttl": 0},
        {"ttl": -3.5},
        {"ttl": timedelta(seconds=-1)},
        {"ttl": -math.inf},
        {"expires_at": 0},
        {"expires_at": -1.5},
        {"expires_at": time.time() - 1},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_is_over_deletes_at_once(db, how):
    db[b"k"] = b"1"
    db.put(b"k", b"2", **how)
    assert b"k" not in db
    db[b"k"] = b"1"
    with db.batch() as batch:
        batch.put(b"k", b"2", **how)
    assert b"k" not in db
    db[b"k"] = b"1"
    assert db.touch(b"k", **how) and b"k" not in db


@pytest.mark.parametrize(
    ("how", "moment"),
    [
        ({"expires_at": 4e9}, 4e9),
        ({"expires_at": 4000000000.25}, 4000000000.25),
        ({"expires_at": datetime(2100, 1, 1, tzinfo=UTC)}, 4102444800.0),
        ({"ttl": math.inf}, None),
        ({"ttl": 1e300}, None),
        ({"expires_at": math.inf}, None),
    ],
)
def test_moments(db, how, moment):
    db.put(b"k", b"1", **how)
    assert db.expires_at(b"k") == moment
    cursor = db.range().cursor()
    assert cursor.next() == (b"k", b"1") and cursor.expires_at() == moment


def test_what_is_no_time_is_refused(db):
    for how in ({"ttl": 1, "expires_at": 4e9}, {"ttl": math.nan}, {"expires_at": math.nan}):
        with pytest.raises(lsmdb.InvalidArgument):
            db.put(b"k", b"1", **how)
        with pytest.raises(lsmdb.InvalidArgument):
            db.touch(b"k", **how)
    for how in ({"ttl": "1"}, {"expires_at": b""}):
        with pytest.raises(TypeError):
            db.put(b"k", b"1", **how)
    assert not list(db)


def test_touch(db):
    assert not db.touch(b"k", ttl=1)
    db.put(b"k", b"v", ttl=SOON)
    assert db.touch(b"k", ttl=math.inf, durability="durable")
    pass_soon()
    assert db[b"k"] == b"v" and db.ttl(b"k") is None
    assert db.touch(b"k", expires_at=4e9) and db.expires_at(b"k") == 4e9
    db[b"k"] = b"w"
    assert db.ttl(b"k") is None, "a put without a time lives for ever"


def test_a_keyspace_has_a_usual_time(db):
    options = lsmdb.KeyspaceOptions(ttl_ms=3_600_000)
    assert "; ttl_ms=3600000; " in f"{options}; "
    sessions = db.keyspace("sessions", options)
    assert sessions.options == options
    sessions[b"a"] = b"1"
    sessions.update({b"b": b"1"})
    sessions.put(b"c", b"1", ttl=math.inf)
    with db.batch() as batch:
        batch.put(b"d", b"1", keyspace=sessions)
    assert sessions.setdefault(b"e", b"1") == b"1"
    assert all(3590 < sessions.ttl(key) <= 3600 for key in (b"a", b"b", b"d", b"e"))
    assert sessions.ttl(b"c") is None
    assert sessions.touch(b"c") and sessions.ttl(b"c") > 3590


def test_a_lock_that_goes_by_itself(db):
    assert db.insert_if_absent(b"lock", b"me", ttl=SOON)
    assert not db.insert_if_absent(b"lock", b"you", ttl=SOON)
    pass_soon()
    assert db.insert_if_absent(b"lock", b"you", ttl=60)
    assert db[b"lock"] == b"you" and db.ttl(b"lock") > 50


def test_typed_views(db):
    view = codecs.typed(db, key=int, value=json)
    view.put(7, {"a": 1}, ttl=60)
    assert 50 < view.ttl(7) <= 60 and view.expires_at(7) > time.time()
    assert view.touch(7, ttl=math.inf) and view.ttl(7) is None
    assert not view.touch(8, ttl=1)
    assert view.insert_if_absent(8, 1, ttl=SOON)
    with db.batch() as batch:
        view.into(batch).put(9, 2, expires_at=4e9)
    assert view.expires_at(9) == 4e9
    pass_soon()
    assert list(view) == [7, 9]


def test_aio(tmp_path):
    async def main():
        async with aio.open(tmp_path / "db") as db:
            await db.put(b"soon", b"1", ttl=60)
            await db.put(b"later", b"1", expires_at=4e9, durability="durable")
            assert await db.expires_at(b"later") == 4e9
            assert await db.ttl(b"later") > 0
            assert await db.insert_if_absent(b"lock", b"me", ttl=SOON)
            async with db.batch() as batch:
                batch.put(b"batched", b"1", ttl=60)
            assert 50 < await db.ttl(b"batched") <= 60
            assert await db.touch(b"soon", ttl=math.inf)
            assert not await db.touch(b"none", ttl=1)
            await asyncio.sleep(SOON + 0.02)
            assert await db.get(b"lock") is None and await db.get(b"soon") == b"1"
            with pytest.raises(KeyError):
                await db.ttl(b"lock")

    asyncio.run(main())
