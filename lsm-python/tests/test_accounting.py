"""What keyspaces take, what lies in ranges, and how ranges are split."""

import asyncio
import copy
import pickle
import threading
from pathlib import Path

import lsmdb
import pytest
from lsmdb import aio, codecs


def filled(path: Path, count: int = 1000) -> lsmdb.DB:
    db = lsmdb.open(path)
    db.update((b"%06d" % n, b"value") for n in range(count))
    return db


def test_estimates_are_numbers_with_bounds() -> None:
    estimate = lsmdb.Estimate(5, 3, 9)
    assert (estimate, estimate.estimate, estimate.at_least, estimate.at_most) == (5, 5, 3, 9)
    assert int(estimate) == 5 and type(int(estimate)) is int and estimate + 1 == 6
    assert not estimate.is_exact and lsmdb.Estimate(7).is_exact
    assert repr(estimate) == "Estimate(5, at_least=3, at_most=9)"
    for made in (copy.copy(estimate), pickle.loads(pickle.dumps(estimate))):
        assert (made, made.at_least, made.at_most) == (5, 3, 9)


def test_counts_of_ranges(tmp_path: Path) -> None:
    with filled(tmp_path) as db:
        for settle in (lambda: None, db.flush, db.compact):
            settle()
            assert db.approximate_count() == 1000
            assert db.approximate_count(b"000900") == 100
            assert db.approximate_count(stop=b"000900") == 900
            assert db.range(b"000100", b"000200").approximate_count() == 100
            assert db[b"000100":b"000200"].approximate_count().is_exact  # type: ignore[misc]
        size = db.range().approximate_size()
        assert 0 <= size.at_least <= size.estimate <= size.at_most
        assert size > 0
        assert db.snapshot().approximate_count() == 1000


def test_usage(tmp_path: Path) -> None:
    with filled(tmp_path) as db:
        usage = db.usage()
        assert usage.memory_entries == 1000
        assert usage.live_bytes == usage.data_bytes == 1000 * (6 + 5 + 12)
        assert (usage.garbage_bytes, usage.live_keys) == (0, 1000)
        db.update((b"%06d" % n, b"other") for n in range(100))
        db.delete_range(b"000900", None)
        usage = db.usage()
        assert usage.live_bytes == 900 * 23
        assert usage.garbage_bytes == 200 * 23 + 6 + 16
        db.compact()
        usage = db.usage()
        assert (usage.live_keys, usage.table_entries, usage.memory_entries) == (900, 900, 0)
        assert usage.garbage_bytes_max == 0 and usage.reclaimable_bytes == 0
        assert usage.disk_bytes > 0 and usage.quota_bytes == 0 and not usage.is_over_quota
    with pytest.raises(lsmdb.Closed):
        db.usage()


def test_ranges_are_split_for_threads(tmp_path: Path) -> None:
    with filled(tmp_path, 20_000) as db:
        db.flush()
        ranges = db.range(b"001000", b"019000").split(4)
        assert len(ranges) == 4
        found: list[list[bytes]] = [[] for _ in ranges]

        def read(part: int) -> None:
            found[part].extend(ranges[part].keys())

        threads = [threading.Thread(target=read, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(found, []) == [b"%06d" % n for n in range(1000, 19_000)]
        assert max(map(len, found)) < 6000
        backwards = db.range(reverse=True).split(3)
        keys = [key for part in backwards for key in part.keys()]
        assert keys == list(db.range(reverse=True).keys())
        points = db.range().split_points(3)
        assert points == sorted(points) and len(points) == 2
        assert len(db.range().split(1)) == 1
        assert [part.count() for part in db.range(b"a").split(9)] == [0]
        with pytest.raises(lsmdb.InvalidArgument):
            db.range().split(0)
        with pytest.raises(OverflowError):
            db.range().split(-1)


def test_a_quota_refuses_puts_and_not_deletes(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path) as db:
        options = lsmdb.KeyspaceOptions(quota_bytes=100_000)
        assert lsmdb.KeyspaceOptions.parse(str(options)) == options
        small = db.keyspace("small", options)
        assert small.options.quota_bytes == 100_000
        with pytest.raises(lsmdb.NoSpace, match="small.*quota_bytes is 100000") as raised:
            for n in range(1000):
                small[b"%06d" % n] = bytes(1000)
        assert raised.value.retryable
        assert 50 < small.approximate_count() < 500
        with pytest.raises(lsmdb.NoSpace), db.batch() as batch:
            batch.put(b"other", b"")
            batch.put(b"refused", b"", keyspace=small)
        assert b"other" not in db
        usage = small.usage()
        assert usage.is_over_quota and usage.quota_refusals >= 2
        del small[b"000000"]
        small.delete_range(None, None)
        small.compact()
        small[b"key"] = b"value"
        assert not small.usage().is_over_quota


def test_views_and_loops(tmp_path: Path) -> None:
    with filled(tmp_path, 100) as db:
        view = codecs.typed(db, key=str, value=str)
        assert view.approximate_count() == 100
        assert view.usage().live_keys == 100
        parts = view.range().split(2)
        assert [key for part in parts for key in part.keys()] == ["%06d" % n for n in range(100)]
        assert parts[0].approximate_count() == 50 and parts[0].approximate_size() >= 0

    async def main() -> None:
        async with aio.open(tmp_path) as db:
            assert await db.approximate_count(b"000050") == 50
            assert (await db.usage()).live_keys == 100
            found = db.range(b"000010", b"000020")
            assert (await found.approximate_count()).is_exact
            await db.flush()
            assert (await found.approximate_size()).at_most > 0
            assert await found.split_points(2) == [b"000015"]
            assert [await part.count() for part in await found.split(2)] == [5, 5]

    asyncio.run(main())
