"""`lsmdb.aio`: the same answers as without it, under many tasks, cancellations and closings."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import random
import subprocess
import sys
import threading
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from pathlib import Path
from typing import Any

import lsmdb
import pytest
from lsmdb import aio
from lsmdb.aio._durable import Waiters
from lsmdb.aio._lanes import Lane

THREADS_MOST = 9


@pytest.fixture(autouse=True)
def nothing_is_complained_of(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No exception that nobody saw, no task that nobody awaited."""
    with caplog.at_level(logging.WARNING, logger="asyncio"):
        yield
        gc.collect()
    wrong = [
        it.getMessage() for it in caplog.records if it.name in ("asyncio", "concurrent.futures")
    ]
    assert [line for line in wrong if "took" not in line] == []


def run(main: Coroutine[Any, Any, Any], debug: bool = False) -> Any:
    """To the end, with a limit: what hangs fails."""

    async def limited() -> Any:
        async with asyncio.timeout(60):
            return await main

    return asyncio.run(limited(), debug=debug)


def own_threads() -> list[str]:
    return [it.name for it in threading.enumerate() if it.name.startswith("lsmdb-")]


async def fill(db: aio.DB, count: int, size: int = 10) -> list[tuple[bytes, bytes]]:
    pairs = [(b"%06d" % number, b"v" * size) for number in range(count)]
    await db.update(pairs)
    return pairs


async def on_disk(db: aio.DB) -> None:
    """What is in the database leaves memory."""
    await db.flush()
    await db.compact()


# What is answered.


def test_each_verb_answers_as_without_asyncio(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            pairs = await fill(db, 2000)
            for is_flushed in (False, True):
                if is_flushed:
                    await on_disk(db)
                assert await db.get(b"000001") == b"v" * 10
                assert await db.get(b"x") is None and await db.get(b"x", 5) == 5
                assert await db.contains(b"000001") and not await db.contains(b"x")
                assert await db.get_many([b"000001", b"x"], b"-") == [b"v" * 10, b"-"]
                assert await db.get_many(key for key, _ in pairs) == [v for _, v in pairs]
                assert (await db.first(), await db.last()) == (pairs[0], pairs[-1])
                assert await db.count() == 2000
                assert [pair async for pair in db.items()] == pairs
                assert [key async for key in db] == [key for key, _ in pairs]
                assert [value async for value in db.values()] == [value for _, value in pairs]
                part = db[b"000100":b"000200"]
                assert [pair async for pair in part] == pairs[100:200]
                assert [pair async for pair in part] == pairs[100:200]
                assert [pair async for pair in reversed(part)] == pairs[199:99:-1]
                assert (await part.first(), await part.last()) == (pairs[100], pairs[199])
                assert await part.count() == 100
                chunks = [chunk async for chunk in part.chunks(30)]
                assert [len(chunk) for chunk in chunks] == [30, 30, 30, 10]
                down = db.prefix(b"0001", reverse=True)
                assert [key async for key, _ in down] == [k for k, _ in pairs[199:99:-1]]
            await db.delete(b"000001")
            await db.delete_range(b"000100", b"000200")
            assert await db.count() == 2000 - 101
            assert await db.put_many(pairs) == 2000
            await db.verify()
            await db.sync()
            assert db.durable_seqno == db.latest_seqno
            await db.clear()
            assert await db.first() is None
            assert (await db.stats())["keyspaces"] and await db.metrics()
            assert db.fault is None and not db.closed and db.path == str(tmp_path / "db")
        assert db.closed
        with lsmdb.open(tmp_path / "db") as left:
            assert list(left) == []

    run(main(), debug=True)


def test_random_acts_end_as_with_the_plain_face(tmp_path: Path) -> None:
    async def main() -> None:
        rng = random.Random(5)
        plain: dict[bytes, bytes] = {}
        async with aio.open(tmp_path / "db", memtable_bytes=64 << 10) as db:
            for step in range(1500):
                key, value = b"%d" % rng.randrange(200), rng.randbytes(rng.choice((0, 10, 500)))
                match rng.randrange(6):
                    case 0 | 1:
                        await db.put(key, value)
                        plain[key] = value
                    case 2:
                        await db.delete(key)
                        plain.pop(key, None)
                    case 3:
                        async with db.batch() as batch:
                            del batch[b"5":b"6"]
                            batch[key] = value
                        plain = {k: v for k, v in plain.items() if not b"5" <= k < b"6"}
                        plain[key] = value
                    case 4:
                        assert await db.get(key) == plain.get(key)
                    case _ if step % 10 == 0:
                        assert [it async for it in db.items()] == sorted(plain.items())
                    case _:
                        with contextlib.suppress(KeyError):
                            async with db.batch() as batch:
                                batch[key] = b"never"
                                raise KeyError
            assert [it async for it in db.items()] == sorted(plain.items())
        with lsmdb.open(tmp_path / "db") as left:
            assert list(left.items()) == sorted(plain.items())

    run(main())


def test_keyspaces_snapshots_and_views(tmp_path: Path) -> None:
    async def main() -> None:
        async with await aio.DB.open(tmp_path / "db") as db:
            users = await db.keyspace("users", lsmdb.KeyspaceOptions(compression="none"))
            assert users.name == "users" and users.options.compression == "none"
            await users.put(b"a", b"1")
            await db.default.put(b"d", b"1")
            snapshot = await db.snapshot()
            async with db.batch(durability="durable") as batch:
                batch.put(b"a", b"2", keyspace=users)
                batch.delete(b"d")
                assert len(batch) == 2 and batch.nbytes > 0
            assert (await users.get(b"a"), await db.get(b"d")) == (b"2", None)
            assert (await users.at(snapshot).get(b"a"), await snapshot.get(b"d")) == (b"1", b"1")
            assert [it async for it in users.at(snapshot).items()] == [(b"a", b"1")]
            await snapshot.close()
            await snapshot.close()
            assert snapshot.closed
            with pytest.raises(lsmdb.Closed):
                await snapshot.get(b"d")
            await users.flush()
            assert await users.reading(fill_cache=False).get(b"a") == b"2"
            assert await db.keyspaces() == ["users"]
            assert await db.drop_keyspace("users") and not await db.drop_keyspace("users")
            with pytest.raises(lsmdb.Closed):
                await users.get(b"a")

    run(main())


@pytest.mark.parametrize("odd", [None, "text", 7])
def test_only_bytes_go_in(tmp_path: Path, odd: Any) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            calls: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: db.get(odd),
                lambda: db.put(odd, b""),
                lambda: db.put(b"", odd),
                lambda: db.delete(odd),
                lambda: db.get_many([odd]),
                lambda: db.update([(b"", odd)]),
                lambda: db.put_many([(odd, b"")]),
            )
            for call in calls:
                with pytest.raises(TypeError):
                    await call()
            with pytest.raises(TypeError):
                db[odd]
            assert await db.count() == 0

    run(main())


def test_what_is_given_may_change_while_it_is_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db", durability="durable") as db:
            key, value = bytearray(b"key"), bytearray(b"value")
            task = asyncio.create_task(db.put(key, value))
            await asyncio.sleep(0)
            key[:], value[:] = b"abc", b"xxxxx"
            await task
            assert [it async for it in db.items()] == [(b"key", b"value")]

    run(main())


def test_long_loads_come_from_anywhere_and_tell_how_far_they_are(tmp_path: Path) -> None:
    async def numbers() -> AsyncIterator[tuple[bytes, bytes]]:
        for number in range(3000):
            yield b"%d" % number, b"v" * 1000
            if number % 100 == 0:
                await asyncio.sleep(0)

    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            told: list[tuple[int, int]] = []
            assert await db.put_many(numbers(), progress=lambda *it: told.append(it)) == 3000
            assert len(told) >= 3 and told == sorted(told) and told[-1] == (3000, 3000)
            counted: list[int] = []
            here = threading.current_thread()

            def tell(done: int, total: int) -> None:
                assert threading.current_thread() is here and done <= total
                counted.append(done)

            assert await db.count(progress=tell) == 3000
            await asyncio.sleep(0)
            assert counted == sorted(counted)

    run(main())


KINDS = ("DB", "Keyspace", "KeyspaceView", "Snapshot", "Batch", "Range")
# As docs/python.md says.
ABSENT = {"Range": {"cursor", "zero_copy"}}
Names = dict[str, inspect.Signature | None]


def names(kind: type) -> Names:
    """The public names of a class, and how those that are called are called."""
    members = {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}
    return {
        name: inspect.signature(it) if callable(it) else None for name, it in members.items()
    }


def taken(signature: inspect.Signature) -> list[tuple[str, inspect._ParameterKind]]:
    """What a method takes, and in which way; without `self`."""
    return [(it.name, it.kind) for it in signature.parameters.values()][1:]


@pytest.mark.parametrize("kind", KINDS)
def test_each_name_is_there_or_said_to_be_absent(kind: str) -> None:
    plain, here = names(getattr(lsmdb, kind)), names(getattr(aio, kind))
    assert set(plain) - set(here) == ABSENT.get(kind, set())
    for name in set(plain) & set(here):
        known, ours = plain[name], here[name]
        assert (known is None) == (ours is None), name
        if known is not None and ours is not None:
            assert taken(ours) == taken(known), name


def test_values_are_read_in_place_and_into_buffers(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            await db.put(b"a", b"v" * 1000)
            await db.put(b"b", b"xyz")
            async with db.snapshot() as snapshot:
                await db.delete(b"b")
                view = db.default.at(snapshot)
                for is_flushed in (False, True):
                    if is_flushed:
                        await on_disk(db)
                    for one in (db, db.default, snapshot, view, db.reading(verify=True)):
                        value = await one.get_value(b"a")
                        assert value is not None and bytes(value) == b"v" * 1000
                        assert await one.get_value(b"x") is None
                        buffer = bytearray(1001)
                        assert await one.get_into(b"a", buffer) == 1000
                        assert buffer == b"v" * 1000 + bytes(1)
                        assert await one.get_into(b"x", buffer) is None
                        with pytest.raises(BufferError):
                            await one.get_into(b"a", bytearray(999))
                    for old in (snapshot, view):
                        assert await old.get_into(b"b", buffer) == 3
            odd: Any
            for odd in (None, "text", 7):
                for act in (db.get_value(odd), db.get_into(odd, buffer), db.pop(odd)):
                    with pytest.raises(TypeError):
                        await act
        for closed in (db.get_value(b"a"), db.get_into(b"a", buffer), db.pop(b"a"), db.popitem()):
            with pytest.raises(lsmdb.Closed):
                await closed
        assert value is not None and bytes(value) == b"v" * 1000

    run(main())


def test_a_buffer_is_left_alone_after_a_cancellation(tmp_path: Path) -> None:
    class Slow:
        def __init__(self) -> None:
            self.begun, self.ended = threading.Event(), False

        def get_into(self, key: bytes, buffer: bytearray) -> int:
            self.begun.set()
            time.sleep(0.1)
            self.ended = True
            return 0

    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            slow = Slow()
            reading = aio.KeyspaceView(db._desk, slow)  # type: ignore[arg-type]
            task = asyncio.create_task(reading.get_into(b"a", bytearray(1)))
            await asyncio.to_thread(slow.begun.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert slow.ended

    run(main())


def test_pairs_are_taken_away_and_set_by_default(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            for one in (db, await db.keyspace("users")):
                await one.update({b"a": b"1", b"b": b"", b"c": b"3"})
                assert await one.pop(bytearray(b"b")) == b"" and not await one.contains(b"b")
                assert await one.pop(b"b", 5) == 5 and await one.pop(b"b", None) is None
                with pytest.raises(KeyError) as caught:
                    await one.pop(b"b")
                assert caught.value.args == (b"b",)
                with pytest.raises(TypeError):
                    await one.pop(b"a", 1, 2)  # type: ignore[call-overload]
                assert await one.popitem() == (b"a", b"1")
                assert await one.setdefault(b"c", b"4") == b"3"
                with pytest.raises(TypeError):
                    await one.setdefault(b"c", 4)  # type: ignore[arg-type]
                default = bytearray(b"5")
                assert await one.setdefault(b"d", default) == b"5"
                default[:] = b"6"
                assert await one.get(b"d") == b"5"
                assert [await one.popitem(), await one.popitem()] == [(b"c", b"3"), (b"d", b"5")]
                with pytest.raises(KeyError):
                    await one.popitem()

    run(main())


def test_columns_come_and_go(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")

    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            pairs = await fill(db, 3000)
            part = db.range(b"000100", b"002100", reverse=True)
            assert (part.start, part.stop, part.reverse) == (b"000100", b"002100", True)
            assert (db.range().start, db.range().stop, db.range().reverse) == (None, None, False)
            chunks = [chunk async for chunk in part.columns(300)]
            assert [len(chunk) for chunk in chunks] == [300] * 6 + [200]
            assert [key for chunk in chunks for key in chunk.keys()] == [
                key for key, _ in pairs[2099:99:-1]
            ]
            assert [len(chunk) async for chunk in db[:b"000003"].columns(nbytes=1)] == [1, 1, 1]
            with pytest.raises(ValueError):
                part.columns(0)
            with pytest.raises(ValueError):
                part.chunks(0)
            keys, values = await part.to_numpy(key="S6")
            assert keys[0] == b"002099" and len(values) == 2000 and values[-1] == b"v" * 10
            copy = await db.keyspace("copy")
            told: list[int] = []
            assert await copy.load(part, progress=lambda done, _: told.append(done)) == 2000
            assert [pair async for pair in copy.items()] == pairs[100:2100]
            await asyncio.sleep(0)
            assert told[-1] == 2000
            assert await copy.load(chunks[0], key="value", value="key", durability="durable") == 300
            assert await copy.get(b"v" * 10) == b"001800"
            numbers = numpy.arange(5, dtype=">u8")
            assert await copy.load_columns(numbers, numbers) == 5
            assert await copy.get((4).to_bytes(8, "big")) == (4).to_bytes(8, "big")
            with pytest.raises(TypeError):
                await copy.load(3)
            with pytest.raises(ValueError):
                await copy.load_columns(
                    numbers, numbers, durability="durabel"  # type: ignore[arg-type]
                )

    run(main())


def test_a_load_of_columns_ends_with_its_task_and_with_its_database(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")

    async def main() -> None:
        db = await aio.open(tmp_path / "db")
        numbers = numpy.arange(1 << 19, dtype=">u8")
        begun = asyncio.Event()
        load = asyncio.create_task(
            db.load_columns(numbers, numbers, progress=lambda *_: begun.set())
        )
        await begun.wait()
        load.cancel()
        with pytest.raises(asyncio.CancelledError):
            await load
        there = await db.count()
        assert 0 < there < 1 << 19
        await asyncio.sleep(0.05)
        assert await db.count() == there
        begun.clear()
        load = asyncio.create_task(
            db.load_columns(numbers, numbers, progress=lambda *_: begun.set())
        )
        await begun.wait()
        await db.close()
        with pytest.raises(lsmdb.Closed) as caught:
            await load
        assert caught.value.loaded > 0  # type: ignore[attr-defined]

    run(main())


def test_what_is_destroyed_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            await fill(db, 10)
            with pytest.raises(lsmdb.Locked):
                await aio.destroy(tmp_path / "db")
        note = tmp_path / "db" / "note"
        note.write_text("mine")
        assert await aio.destroy(tmp_path / "db") == ["note"]
        note.unlink()
        with pytest.raises(lsmdb.NoDatabase):
            await aio.open(tmp_path / "db", mode="w")
        await until(lambda: own_threads() == [])

    run(main())


# Threads, turns, and waiting together.


def test_memory_is_met_without_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    start = Lane.start

    def counted(lane: Lane, *work: Any) -> Any:
        started.append(work)
        return start(lane, *work)

    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            # The log is begun by the first write.
            await db.put(b"first", b"")
            monkeypatch.setattr(Lane, "start", counted)

            async def put() -> None:
                await asyncio.gather(*(db.put(b"%d" % it, b"") for it in range(100)))

            async def get() -> None:
                await asyncio.gather(*(db.get(b"%d" % it) for it in range(100)))

            async def batch() -> None:
                async with db.batch() as batch:
                    batch[b"a"] = b""

            async def snapshot() -> None:
                async with db.snapshot() as snapshot:
                    await snapshot.get_many([b"a", b"b"])

            async def update() -> None:
                await db.update({b"x": b"y"})

            # Now and then the engine's own threads hold what a call needs, the more often the less
            # of the machine they get: puts above all, since a flush holds them up.
            for way, most in ((put, 500), (get, 20), (batch, 20), (snapshot, 20), (update, 20)):
                started.clear()
                for _ in range(50):
                    await way()
                assert len(started) < most, way

    run(main())


def test_threads_are_few_and_gone_at_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        seen = 0
        async with aio.open(tmp_path / "db", durability="durable") as db:
            await fill(db, 3000)
            await on_disk(db)
            async with asyncio.TaskGroup() as group:
                for number in range(1000):
                    group.create_task(db.put(b"%d" % number, b""))
                    group.create_task(db.reading(verify=True).get(b"%06d" % number))
                    group.create_task(db.prefix(b"%05d" % number).first())
                    if number < 20:
                        group.create_task(db.compact())
                while len(asyncio.all_tasks()) > 2:
                    seen = max(seen, len(own_threads()))
                    await asyncio.sleep(0.001)
        assert 0 < seen <= THREADS_MOST
        await until(lambda: own_threads() == [])

    run(main())


def test_a_task_that_only_meets_memory_lets_others_run(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            await db.put(b"a", b"")
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0)
                    ticks += 1

            ticker = asyncio.create_task(tick())
            await asyncio.sleep(0)
            acts: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: db.get(b"a"),
                lambda: db.put(b"a", b""),
                lambda: db.delete(b"b"),
                lambda: db.get_many([b"a"] * 10),
                lambda: db.update({b"a": b""}),
                lambda: db.batch().commit(),
            )
            for act in acts:
                before = ticks
                for _ in range(1000):
                    await act()
                assert ticks > before + 3, act
            await fill(db, 5000)
            before = ticks
            async for _ in db:
                pass
            assert ticks >= before + 5
            ticker.cancel()

    run(main())


Loads = Callable[[aio.DB], Awaitable[object]]


async def one_by_one(pairs: Iterable[tuple[bytes, bytes]]) -> AsyncIterator[tuple[bytes, bytes]]:
    """An asynchronous iterator that never waits."""
    for pair in pairs:
        yield pair


def many(count: int = 20_000) -> Iterator[tuple[bytes, bytes]]:
    return ((b"%07d" % number, b"v") for number in range(count))


LOADS: dict[str, Loads] = {
    "put_many of a generator": lambda db: db.put_many(many()),
    "put_many of a dict": lambda db: db.put_many(dict(many())),
    "put_many of an asynchronous generator": lambda db: db.put_many(one_by_one(many())),
    "update of a generator": lambda db: db.update(many()),
    "update of a dict": lambda db: db.update(dict(many())),
}


class Taken:
    """Pairs that see how many of them are taken before others run."""

    def __init__(self) -> None:
        self.at_once = self.most = 0

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        for pair in many():
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            yield pair


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        ("put_many", iter),
        ("put_many", lambda pairs: pairs),
        ("put_many", one_by_one),
        ("update", iter),
        ("update", lambda pairs: pairs),
    ],
)
def test_a_load_lets_others_run(tmp_path: Path, verb: str, given: Callable[[Any], Any]) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            taken = Taken()
            task = asyncio.ensure_future(getattr(db, verb)(given(taken)))
            while not task.done():
                taken.at_once = 0
                await asyncio.sleep(0)
            await task
            assert taken.most <= 512 and await db.count() == 20_000

    run(main())


def test_a_load_of_large_values_lets_others_run_more_often(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            taken = 0

            def large() -> Iterator[tuple[bytes, bytes]]:
                nonlocal taken
                for number in range(64):
                    taken += 1
                    yield b"%d" % number, bytes(1 << 18)

            task = asyncio.create_task(db.update(large()))
            await asyncio.sleep(0)
            assert 0 < taken < 4
            await task
            assert await db.count() == 64

    run(main())


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS.keys())
def test_large_batches_are_written_by_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Loads
) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            here, in_loop, apart = threading.get_ident(), [], []

            class Watched(StalledBatch):
                def _try_commit(self) -> int:
                    in_loop.append(self.native.nbytes)
                    return self.native._try_commit()  # type: ignore[no-any-return]

                def commit(self) -> int:
                    assert threading.get_ident() != here
                    apart.append(self.native.nbytes)
                    return self.native.commit()  # type: ignore[no-any-return]

            stalled = stall(db, monkeypatch)
            monkeypatch.setattr(
                stalled, "batch", lambda **how: Watched(stalled, stalled.native.batch(**how), 1)
            )
            await load(db)
            assert sum(apart) > 20_000 and all(nbytes <= 8 << 10 for nbytes in in_loop)
            apart.clear()
            async with db.batch() as batch:
                batch.put(b"a", bytes(10_000))
            await db.update({b"b": b""})
            # How often it was tried is up to the machine.
            assert len(set(apart)) == 1 and len(in_loop) >= 1
            assert await db.get(b"a") == bytes(10_000)

    run(main())


@pytest.mark.parametrize("is_async", [False, True])
def test_a_load_may_be_cancelled(tmp_path: Path, is_async: bool) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            taken = 0

            def endless() -> Iterator[tuple[bytes, bytes]]:
                nonlocal taken
                for taken in range(10**6):
                    yield b"%07d" % taken, b"v" * 500

            # The log is begun by the first write.
            await db.put(b"", b"")
            pairs = one_by_one(endless()) if is_async else endless()
            load = asyncio.create_task(db.put_many(pairs))
            while taken < 4000:
                await asyncio.sleep(0)
            load.cancel()
            with pytest.raises(asyncio.CancelledError):
                await load
            assert taken < 10**5
            # Whole batches from the front, and none later.
            there = await db.count()
            assert 1 < there <= taken + 2 and await db.last() == (b"%07d" % (there - 2), b"v" * 500)
            await asyncio.sleep(0.05)
            assert await db.count() == there

    run(main())


def test_a_small_mapping_may_change_while_it_is_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            pairs = dict(many(200))
            task = asyncio.create_task(db.update(pairs))
            await asyncio.sleep(0)
            pairs.clear()
            await task
            assert await db.count() == 200

    run(main())


def test_durable_writes_wait_together(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            await asyncio.gather(
                *(db.put(b"%d" % it, b"", durability="durable") for it in range(2000))
            )
            assert db.durable_seqno >= 2000
            assert (await db.stats())["timings"]["sync_wait"]["count"] < 200

    run(main())


def test_a_durable_write_is_durable_once_it_is_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db", durability="durable") as db:
            for verb in range(5):
                match verb:
                    case 0:
                        await db.put(b"a", b"")
                    case 1:
                        await db.delete(b"a")
                    case 2:
                        await db.update({b"a": b"b"})
                    case 3:
                        await db.delete_range(None, b"b")
                    case _:
                        async with db.batch() as batch:
                            batch[b"q"] = b""
                assert db.durable_seqno == db.latest_seqno
            await db.put(b"b", b"", durability="buffered")
            await db.wait_durable(db.latest_seqno)
            assert db.durable_seqno == db.latest_seqno

    run(main())


def test_writes_of_a_task_keep_their_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db", memtable_bytes=64 << 10) as db:

            async def write(name: bytes) -> None:
                for number in range(300):
                    how: Any = ("durable", "buffered", "volatile")[number % 3]
                    await db.put(name, b"%d" % number, durability=how)
                    assert await db.get(name) == b"%d" % number

            await asyncio.gather(*(write(b"%d" % it) for it in range(30)))

    run(main())


def test_two_loops_in_two_threads_use_one_database(tmp_path: Path) -> None:
    db = run_open(tmp_path / "db")
    failed: list[BaseException] = []

    async def work(name: bytes) -> None:
        async def one(number: int) -> None:
            key = b"%s%d" % (name, number)
            await db.put(key, name, durability="durable")
            assert await db.get(key) == name
            if number % 20 == 0:
                assert [it async for it in db.prefix(name).values()].count(name) > 0

        await asyncio.gather(*(one(number) for number in range(300)))

    def thread(name: bytes) -> None:
        try:
            run(work(name))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=thread, args=(name,)) for name in (b"a", b"b", b"c")]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    assert failed == []

    async def end() -> None:
        assert await db.count() == 900
        await db.close()

    run(end())


def run_open(path: Path) -> aio.DB:
    async def main() -> aio.DB:
        return await aio.open(path)

    opened: aio.DB = run(main())
    return opened


# Cancelling.


async def cancelled_sooner_or_later(
    acts: list[Callable[[], Coroutine[Any, Any, object]]], rng: random.Random
) -> None:
    tasks = [asyncio.create_task(act()) for act in acts]
    for task in tasks:
        if rng.random() < 0.3:
            await asyncio.sleep(rng.choice((0, 0, 0.0001, 0.001)))
        if rng.random() < 0.7:
            task.cancel()
            if rng.random() < 0.2:
                task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ends if isinstance(end, BaseException)} <= {asyncio.CancelledError}


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_cancellations_harms_nothing(tmp_path: Path, seed: int) -> None:
    async def main() -> None:
        rng = random.Random(seed)
        async with aio.open(tmp_path / "db", durability=rng.choice(("durable", None))) as db:
            await fill(db, 2000, 200)
            await on_disk(db)

            async def scan() -> None:
                async for _ in db.range(b"000100"):
                    if rng.random() < 0.001:
                        break

            async def see() -> None:
                async with db.snapshot() as snapshot:
                    await snapshot.count()

            async def batch() -> None:
                async with db.batch() as gathered:
                    gathered[b"one"] = b"%d" % rng.randrange(100)
                    await asyncio.sleep(0)
                    gathered[b"two"] = b"%d" % rng.randrange(100)

            kinds: list[Callable[[], Coroutine[Any, Any, object]]] = [
                scan,
                see,
                batch,
                lambda: db.put(b"put", b""),
                lambda: db.delete(b"put"),
                lambda: db.reading(verify=True).get(b"000500"),
                lambda: db.get_many([b"000500"] * 300),
                lambda: db.first(),
                lambda: db.compact(),
                lambda: db.verify(),
                lambda: db.sync(),
                lambda: db.keyspace("users"),
                lambda: db.put_many((b"%d" % it, b"v" * 1000) for it in range(1500)),
            ]
            for _ in range(3):
                await cancelled_sooner_or_later([rng.choice(kinds) for _ in range(30)], rng)
            assert await db.get(b"000500") == b"v" * 200
            both = await db.get_many([b"one", b"two"])
            assert (both[0] is None) == (both[1] is None)
            await db.put(b"end", b"")
            gc.collect()
            assert (await db.stats())["snapshots"] == 0
        await until(lambda: own_threads() == [])

    run(main(), debug=seed == 0)


def test_a_scan_that_was_cancelled_goes_on_where_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            pairs = await fill(db, 3000)
            scan, cancelled = db.items(), 0
            seen: list[tuple[bytes, bytes]] = []
            while True:
                task = asyncio.ensure_future(anext(scan, None))
                if len(seen) % 7 == 0:
                    await asyncio.sleep(0)
                    cancelled += task.cancel()
                try:
                    pair = await task
                except asyncio.CancelledError:
                    pair = await anext(scan, None)
                if pair is None:
                    break
                seen.append(pair)
            assert seen == pairs and cancelled > 1

    run(main())


def test_a_scan_that_is_left_lets_go_of_what_it_saw(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            await fill(db, 5000)
            for how in range(4):
                scan = db.items()
                async for _ in scan:
                    break
                if how == 0:
                    await scan.aclose()
                    assert [it async for it in scan] == []
                elif how == 1:
                    async with contextlib.aclosing(scan):
                        await anext(scan)
                del scan
            gone = db.items()
            source = gone._source
            await anext(gone)
            del gone
            # A list that a thread was fetching meanwhile comes to its end first.
            while sys.getrefcount(source) > 2:
                await asyncio.sleep(0.001)

    run(main())


def test_tasks_that_share_a_scan_share_its_entries(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            pairs = await fill(db, 4000)
            scan = db.items()

            async def take() -> list[tuple[bytes, bytes]]:
                taken = []
                async for pair in scan:
                    taken.append(pair)
                    if len(taken) % 100 == 0:
                        await asyncio.sleep(0)
                return taken

            taken = await asyncio.gather(*(take() for _ in range(5)))
            assert sorted(pair for part in taken for pair in part) == pairs

    run(main())


def test_opening_that_is_cancelled_leaves_the_database_closed(tmp_path: Path) -> None:
    async def main() -> None:
        for number in range(30):
            task = asyncio.ensure_future(aio.open(tmp_path / "db")._open())
            await asyncio.sleep(number / 5000)
            if task.cancel():
                with contextlib.suppress(asyncio.CancelledError):
                    await (await task).close()
            else:
                await (await task).close()
            await until(lambda: own_threads() == [])
        async with aio.open(tmp_path / "db"):
            pass

    run(main())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def stall(db: aio.DB, monkeypatch: pytest.MonkeyPatch) -> Stalled:
    """Has every write of this database held back until it is let go."""
    stalled = Stalled(db._native)
    monkeypatch.setattr(db._desk, "native", stalled)
    monkeypatch.setattr(db, "_native", stalled, raising=False)
    return stalled


class Stalled:
    """A database whose writers are held back, as by a disk that is slower than they are."""

    def __init__(self, native: Any) -> None:
        self.native, self.is_free = native, threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.native, name)

    def _try_put(self, *_: object) -> int:
        raise lsmdb.Timeout("held back")

    _try_delete = _try_put

    def batch(self, **how: Any) -> Any:
        return StalledBatch(self, self.native.batch(**how), how["timeout"])


class StalledBatch:
    def __init__(self, stalled: Stalled, native: Any, timeout: float) -> None:
        self.stalled, self.native, self.timeout = stalled, native, timeout

    def __getattr__(self, name: str) -> Any:
        return getattr(self.native, name)

    def _try_commit(self) -> int:
        raise lsmdb.Timeout("held back")

    def __len__(self) -> int:
        return len(self.native)

    def commit(self) -> int:
        if self.stalled.is_free.wait(self.timeout):
            return self.native.commit()  # type: ignore[no-any-return]
        raise lsmdb.Timeout("held back")


def test_a_write_that_was_cancelled_never_happens_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            await db.put(b"a", b"before")
            stalled = stall(db, monkeypatch)
            first = asyncio.create_task(db.put(b"a", b"running"))
            second = asyncio.create_task(db.put(b"a", b"waiting"))
            third = asyncio.create_task(db.update({b"a": b"waiting too"}))
            await asyncio.sleep(0.01)
            for task in (second, first, third):
                task.cancel()
                task.cancel()
            ends = await asyncio.gather(first, second, third, return_exceptions=True)
            assert {type(end) for end in ends} == {asyncio.CancelledError}
            stalled.is_free.set()
            await asyncio.sleep(0.1)
            assert await db.get(b"a") == b"before"
            async with asyncio.timeout(5):
                await db.put(b"a", b"after")
            assert await db.get(b"a") == b"after"

    run(main())


def test_writes_that_are_held_back_end_by_their_own_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            stalled = stall(db, monkeypatch)
            begun = time.monotonic()
            ends = await asyncio.gather(
                *(db.put(b"%d" % it, b"", timeout=0.1) for it in range(5)),
                db.delete(b"a", timeout=0.1),
                db.batch(timeout=0.1).commit(),
                return_exceptions=True,
            )
            assert {type(end) for end in ends} == {lsmdb.Timeout}
            assert time.monotonic() - begun < 1.5
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(db.put(b"b", b""), 0.05)
            waiting = asyncio.create_task(db.put(b"c", b"", timeout=30))
            await asyncio.sleep(0.12)
            stalled.is_free.set()
            await waiting
            assert [key async for key in db] == [b"c"]

    run(main())


def test_a_time_limit_counts_for_the_sync_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db", durability="durable") as db:
            synced = threading.Event()

            class Slow:
                def wait_durable(self, seqno: int) -> None:
                    synced.wait()

            with monkeypatch.context() as patched:
                patched.setattr(db._desk._waiters, "_native", Slow())
                for act in (
                    db.put(b"a", b"", timeout=0.05),
                    db.update({b"b": b""}, timeout=0.05),
                    db.wait_durable(1, 0.05),
                ):
                    with pytest.raises(lsmdb.Timeout) as caught:
                        await act
                    assert caught.value.maybe_committed
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(db.put(b"c", b""), 0.05)
                # The thread works for the next who waits.
                later = asyncio.create_task(db.put(b"d", b"", timeout=30))
                await asyncio.sleep(0.05)
                synced.set()
                await later
            assert [key async for key in db] == [b"a", b"b", b"c", b"d"]

    run(main())


def test_a_time_limit_counts_behind_others_that_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            stalled = stall(db, monkeypatch)
            patient = asyncio.create_task(db.put(b"a", b""))
            await asyncio.sleep(0)
            with pytest.raises(lsmdb.Timeout) as caught:
                async with asyncio.timeout(5):
                    await db.put(b"b", b"", timeout=0.1)
            assert caught.value.retryable and not caught.value.maybe_committed
            stalled.is_free.set()
            await patient
            assert [key async for key in db] == [b"a"]

    run(main())


Writes = dict[str, Callable[[Any, Any], Any]]
# The verbs of both faces, the keyword that they get, and a pair to write.
WRITES: Writes = {
    "put": lambda db, how: db.put(b"a", b"", **how),
    "delete": lambda db, how: db.delete(b"there", **how),
    "delete_range": lambda db, how: db.delete_range(None, None, **how),
    "update": lambda db, how: db.update({b"a": b""}, **how),
    "update with much": lambda db, how: db.update({b"a": bytes(20_000)}, **how),
    "batch": lambda db, how: db.batch(**how),
    "flush": lambda db, how: db.flush(**how),
    "compact": lambda db, how: db.compact(**how),
    "verify": lambda db, how: db.verify(**how),
    "put_many": lambda db, how: db.put_many([(b"a", b"")], **how),
}
ODD_DURABILITIES: tuple[object, ...] = ("durabel", b"durable", 7, [])
ODD_TIMES: tuple[object, ...] = (
    *(-1, -0.5, float("nan"), float("inf"), 1e30, 10**400),
    *("x", b"1", []),
)
UNTIMED, UNSAFE = ("put_many",), ("flush", "compact", "verify")


@pytest.mark.parametrize("verb", WRITES)
def test_odd_keywords_are_refused_as_without_asyncio(tmp_path: Path, verb: str) -> None:
    act = WRITES[verb]
    odd: list[dict[str, object]] = []
    if verb not in UNSAFE:
        odd += [{"durability": it} for it in ODD_DURABILITIES]
    if verb not in UNTIMED:
        odd += [{"timeout": it} for it in ODD_TIMES]

    async def main() -> None:
        with lsmdb.open(tmp_path / "plain") as plain:
            async with aio.open(tmp_path / "db") as db:
                await db.put(b"there", b"")
                for how in odd:
                    with pytest.raises((TypeError, ValueError, OverflowError)) as known:
                        act(plain, how)
                    with pytest.raises(known.type) as caught:
                        await act(db, how)
                    assert caught.type is known.type, how
                assert [key async for key in db] == [b"there"]

    run(main())


def test_what_is_refused_takes_no_pair(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            pairs = many(3)
            with pytest.raises(ValueError, match="no time to wait"):
                await db.update(pairs, timeout=-1)
            assert len(list(pairs)) == 3

    run(main())


def test_an_odd_number_harms_nobody_else_who_waits(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db", durability="durable") as db:
            await db.put(b"a", b"")
            odd: tuple[tuple[Any, type[Exception]], ...] = (
                ("x", TypeError),
                (1.5, TypeError),
                (-1, OverflowError),
                (2**70, OverflowError),
                (10**9, lsmdb.InvalidArgument),
            )
            for number, kind in odd:
                acts = [db.put(b"b", b""), db.wait_durable(number), db.put(b"c", b"")]
                ends = await asyncio.gather(*acts, return_exceptions=True)
                assert [type(end) for end in ends] == [type(None), kind, type(None)]
            for late in (-1, float("nan")):
                with pytest.raises(ValueError):
                    await db.wait_durable(1, late)
            await db.wait_durable(db.latest_seqno, 10)

    run(main())


# Closing.


def test_a_scan_ends_with_its_database(tmp_path: Path) -> None:
    async def main() -> None:
        db = await aio.open(tmp_path / "db")
        await fill(db, 2000)
        part = db[b"0":]
        scans: list[Any] = [aiter(db), db.items(), reversed(part), part.values(), part.chunks(9)]
        for scan in scans:
            await anext(scan)
        done = db[b"x":].items()
        assert [it async for it in done] == []
        await db.close()
        for scan in (*scans, done):
            for _ in range(2):
                with pytest.raises(lsmdb.Closed):
                    await anext(scan)

    run(main())


def test_closing_ends_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        db = await aio.open(tmp_path / "db")
        await fill(db, 20_000, 100)
        await on_disk(db)
        stall(db, monkeypatch)
        scan = db.items()
        await anext(scan)
        acts = [db.put(b"a", b"") for _ in range(50)]
        acts += [db.compact() for _ in range(10)]
        reads = [db.reading(verify=True).get(b"000001") for _ in range(500)]
        tasks = [asyncio.ensure_future(act) for act in (*acts, *reads)]
        await asyncio.sleep(0.01)
        await db.close()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        wrong = [end for end in ends if isinstance(end, Exception)]
        assert {type(end) for end in wrong} == {lsmdb.Closed}
        assert all(isinstance(end, lsmdb.Closed) for end in ends[:50])
        with pytest.raises(lsmdb.Closed):
            while True:
                await anext(scan)
        await until(lambda: own_threads() == [])

    run(main())


def test_after_closing_everything_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        db = await aio.open(tmp_path / "db", durability="durable")
        await db.put(b"a", b"")
        users, snapshot, batch = await db.keyspace("users"), db.snapshot(), db.batch()
        batch[b"b"] = b""
        scan = db.items()
        await asyncio.gather(db.close(), db.close())
        await db.close()
        acts: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: db.get(b"a"),
            lambda: db.put(b"a", b""),
            lambda: db.count(),
            lambda: db.first(),
            lambda: db.compact(),
            lambda: db.sync(),
            lambda: db.wait_durable(1),
            lambda: db.keyspace("users"),
            lambda: db.put_many([(b"a", b"")]),
            lambda: users.get(b"a"),
            lambda: snapshot.get(b"a"),
            lambda: snapshot.count(),
            lambda: batch.commit(),
            lambda: anext(scan),
        )
        for act in acts:
            with pytest.raises(lsmdb.Closed):
                await act()
        await snapshot.close()
        with lsmdb.open(tmp_path / "db") as left:
            assert list(left.items()) == [(b"a", b"")]

    run(main())


def test_a_loop_that_ends_early_leaves_nothing_behind(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from lsmdb import aio
from lsmdb.aio._lanes import Lane

async def main():
    db = await aio.open(sys.argv[1], durability="durable")
    await db.update((b"%d" % it, b"v" * 100) for it in range(20000))
    await db.flush()
    scan = db.items()
    await anext(scan)
    tasks = [asyncio.create_task(act) for act in (
        db.put(b"a", b""), db.compact(), db.count(), anext(scan), db.put(b"b", b""),
        db.reading(verify=True).get(b"5"), db.get_many([b"%d" % it for it in range(1000)]))]
    await asyncio.sleep(0)
    sys.stdout.write("left")

loop = asyncio.new_event_loop()
if sys.argv[2] == "run":
    asyncio.run(main(), debug=True)
else:
    # Nobody cancels the tasks, and the loop is gone while threads still work.
    loop.run_until_complete(main())
    loop.close()
"""
    # CPython 3.11 may fall over tasks that are still there when it ends, now and then.
    for how in ("run", "close") if sys.version_info >= (3, 12) else ("run",):
        ended = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "db"), how],
            capture_output=True,
            timeout=180,
        )
        assert (ended.returncode, ended.stdout) == (0, b"left"), ended.stderr
        # That something took long on a busy machine is no complaint.
        complaints = [line for line in ended.stderr.splitlines() if b" took " not in line]
        assert not any(b"never retrieved" in line for line in complaints), ended.stderr
        assert not any(b"concurrent.futures" in line for line in complaints), ended.stderr
        with lsmdb.open(tmp_path / "db") as left:
            assert left[b"5"] == b"v" * 100


def test_an_error_that_comes_as_its_loop_ends_is_no_complaint(tmp_path: Path) -> None:
    complaints: list[object] = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    lane = Lane("test", 1)
    native = lsmdb.open(tmp_path / "db")
    waiters = Waiters(native, lane)

    async def main() -> None:
        # The lane's thread reports while this step goes on, the last but one of the loop.
        lane.start(lambda: native[b"nothing"])
        durable = waiters.wait(native.latest_seqno + 1_000_000)
        durable.send(None)
        lane.join()

    loop.run_until_complete(main())
    loop.close()
    gc.collect()
    assert complaints == []
    native.close()


def test_works_with_groups_and_time_limits(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db, asyncio.timeout(30):
            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    for number in range(200):
                        group.create_task(db.put(b"%d" % number, b"", durability="durable"))
                    group.create_task(db.get(5))  # type: ignore[call-overload]
            await asyncio.wait_for(db.put(b"a", b"", durability="durable"), 10)
            assert await asyncio.wait_for(db.get(b"a"), 10) == b""

    run(main(), debug=True)
