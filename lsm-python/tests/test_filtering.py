"""Compaction filters: what compactions take away or change."""

import asyncio
import threading
from pathlib import Path

import lsmdb
import pytest
from lsmdb import FilterDecision, aio

SWEPT = lsmdb.KeyspaceOptions(compaction_filter="sweeper")


def sweep(key: bytes, value: bytes, context: lsmdb.FilterContext):
    if value.startswith(b"x"):
        return FilterDecision.REMOVE
    if value == b"old":
        return b"new"
    if value == b"fail":
        raise LookupError("no such thing")
    return FilterDecision.KEEP


PAIRS = {b"a": b"x1", b"b": b"old", b"c": b"x2", b"d": b"stays"}


@pytest.fixture
def path(tmp_path: Path):
    return tmp_path / "db"


@pytest.fixture
def db(path):
    with lsmdb.open(path, compaction_filters={"sweeper": sweep}) as db:
        yield db


@pytest.fixture
def things(db):
    things = db.keyspace("things", SWEPT)
    things.update(PAIRS)
    return things


def test_values_go_and_change_when_they_are_compacted(db, things):
    assert things.options == SWEPT
    db[b"a"] = b"x of another keyspace"
    things.flush()
    assert dict(things.items()) == PAIRS
    things.compact()
    db.compact()
    assert dict(things.items()) == {b"b": b"new", b"d": b"stays"}
    assert db[b"a"] == b"x of another keyspace"
    counters = db.stats()["counters"]
    assert counters["compaction_filter_removed"] == 2
    assert counters["compaction_filter_replaced"] == 1


def test_a_snapshot_sees_what_it_saw(db, things):
    with db.snapshot() as before:
        things.compact()
        assert dict(things.at(before).items()) == PAIRS
        assert things[b"a"] == b"x1"
    things.compact()
    assert b"a" not in things


def test_a_filter_is_told_where_the_value_stands(path):
    told = []

    def tell(key, value, context):
        told.append((key, context))

    with lsmdb.open(path, compaction_filters=[lsmdb.CompactionFilter("sweeper", tell)]) as db:
        things = db.keyspace("things", SWEPT)
        things.put(b"a", b"1")
        things.put(b"b", b"2", expires_at=4e9)
        things.compact()
        assert dict(things.items()) == {b"a": b"1", b"b": b"2"}
    assert [key for key, _ in told] == [b"a", b"b"]
    first, second = (context for _, context in told)
    assert first.keyspace == "things" and first.level > 0 and first.is_last_level
    assert (first.expires_at, second.expires_at) == (None, 4e9)
    assert "is_last_level=True" in repr(first)


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (None, b"v"),
        (True, b"v"),
        (FilterDecision.KEEP, b"v"),
        (False, None),
        (FilterDecision.REMOVE, None),
        (b"", b""),
        (bytearray(b"other"), b"other"),
        (memoryview(b"a view"), b"a view"),
        ("text", b"v"),
        (7, b"v"),
    ],
)
def test_answers(path, answer, left):
    with lsmdb.open(path, compaction_filters={"sweeper": lambda key, value: answer}) as db:
        things = db.keyspace("things", SWEPT)
        things[b"k"] = b"v"
        things.compact()
        assert things.get(b"k") == left
        failures = db.stats()["counters"]["compaction_filter_failures"]
        assert failures == (1 if answer in ("text", 7) else 0)


def test_what_a_filter_raises_keeps_the_value_and_is_told(path):
    events = []
    with lsmdb.open(path, compaction_filters={"sweeper": sweep}, listener=events.append) as db:
        things = db.keyspace("things", SWEPT)
        things.update({b"a": b"fail", b"b": b"x"})
        things.compact()
        assert dict(things.items()) == {b"a": b"fail"}
        (event,) = [event for event in events if event.kind == "filter_failed"]
        assert event.keyspace == "things" and event.level == "warn"
        assert "sweeper" in str(event) and "LookupError: no such thing" in str(event)
        assert [it["name"] for it in db.doctor().findings] == ["filter_failed"]


def test_without_its_filter_all_is_kept_and_the_doctor_says_so(path, db, things):
    db.close()
    with lsmdb.open(path) as again:
        things = again.keyspace("things")
        things.compact()
        assert dict(things.items()) == PAIRS
        (finding,) = again.doctor().findings
        assert finding["name"] == "filter_missing" and finding["keyspace"] == "things"
        assert "sweeper" in finding["seen"]
        with pytest.raises(lsmdb.InvalidArgument, match="nobody"):
            again.keyspace("new", lsmdb.KeyspaceOptions(compaction_filter="nobody"))
        with pytest.raises(lsmdb.InvalidArgument, match="compaction_filter=sweeper"):
            again.keyspace("things", lsmdb.KeyspaceOptions())


def test_names_and_functions_that_cannot_be_are_refused(tmp_path):
    two = [lsmdb.CompactionFilter("two", sweep)] * 2
    for filters in ({"": sweep}, {"a b": sweep}, two):
        with pytest.raises(lsmdb.InvalidArgument):
            lsmdb.open(tmp_path / "refused", compaction_filters=filters)
    with pytest.raises(TypeError, match="int"):
        lsmdb.open(tmp_path / "refused", compaction_filters={"seven": 7})
    with pytest.raises(lsmdb.InvalidArgument, match="fifo"):
        with lsmdb.open(tmp_path / "fifo", compaction_filters={"sweeper": sweep}) as db:
            fifo = lsmdb.KeyspaceOptions(strategy="fifo:9:0", compaction_filter="sweeper")
            db.keyspace("f", fifo)


def test_operands_are_shown_as_what_they_come_to(path):
    options = lsmdb.KeyspaceOptions(merge_operator="append", compaction_filter="sweeper")
    with lsmdb.open(path, compaction_filters={"sweeper": sweep}) as db:
        log = db.keyspace("log", options)
        for part in (b"o", b"ld"):
            log.merge(b"k", part)
        log.compact()
        assert log[b"k"] == b"new"


def test_a_filter_may_read_the_database(path):
    place = []

    def look(key: bytes, value: bytes) -> bytes | None:
        return place[0].get(key)

    with lsmdb.open(path, compaction_filters={"sweeper": look}) as db:
        place.append(db)
        things = db.keyspace("things", SWEPT)
        db[b"a"] = b"read"
        things.update({b"a": b"1", b"b": b"2"})
        things.compact()
        assert dict(things.items()) == {b"a": b"read", b"b": b"2"}
        place.clear()


def test_filters_are_called_by_threads_of_the_database(path):
    threads = set()

    def note(key: bytes, value: bytes) -> None:
        threads.add(threading.get_ident())

    with lsmdb.open(path, compaction_filters={"sweeper": note}) as db:
        things = db.keyspace("things", SWEPT)
        things.update((b"%05d" % at, b"v" * 100) for at in range(5000))
        things.compact()
    assert threads and threading.get_ident() not in threads


def test_aio_takes_them_too(path):
    async def run() -> None:
        async with aio.open(path, compaction_filters={"sweeper": sweep}) as db:
            things = await db.keyspace("things", SWEPT)
            await things.put(b"a", b"x")
            await things.put(b"b", b"stays")
            await things.compact()
            assert await things.get(b"a") is None
            assert await things.get(b"b") == b"stays"

    asyncio.run(run())
