"""Readers beside a writer, in this process and in others that are killed."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import lsmdb
import pytest
from lsmdb import aio

SMALL = lsmdb.Options(memtable_bytes=64 << 10, memory_limit=16 << 20)

# Reads until it is killed: each state is whole, and none is older than the one before.
READER = """
import sys, lsmdb
path, seed = sys.argv[1], int(sys.argv[2])
seen = 0
while True:
    with lsmdb.open(path, mode="r", refresh_every=0.005 if seed % 2 else None) as db:
        for _ in range(20):
            db.refresh()
            with db.snapshot() as now:
                last = int(now[b"last"])
                assert last >= seen, (last, seen)
                values = {value for _, value in now.prefix(b"key ")}
                assert values == {b"%d" % last}, (last, values)
                seen = last
    print(seen, flush=True)
"""

WRITER = """
import sys, lsmdb
path = sys.argv[1]
while True:
    options = lsmdb.Options(memtable_bytes=64 << 10, memory_limit=16 << 20)
    with lsmdb.open(path, options=options) as db:
        number = int(db.get(b"last", b"0"))
        for _ in range(400):
            number += 1
            with db.batch() as batch:
                batch[b"last"] = b"%d" % number
                for key in range(10):
                    batch[b"key %d" % key] = b"%d" % number
            if number % 150 == 0:
                db.flush()
    print(number, flush=True)
"""


def again(code: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed(process: "subprocess.Popen[str]") -> list[str]:
    """What it has said, once it is killed; it must not have ended by itself."""
    assert process.poll() is None, process.communicate()[1]
    process.kill()
    said, why = process.communicate()
    assert process.returncode == -signal.SIGKILL, why
    return said.split()


def test_a_reader_stands_beside_the_writer(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path, options=SMALL) as db:
        db[b"k"] = b"1"
        with lsmdb.open(tmp_path, mode="r") as reader:
            assert reader[b"k"] == b"1"
            with reader.snapshot() as snapshot:
                for number in range(2000):
                    db[b"k"] = b"%d" % number
                    db[b"%d" % number] = b"x" * 100
                db.flush()
                db.compact()
                assert reader[b"k"] == b"1" and reader.count() == 1
                assert reader.refresh() and not reader.refresh()
                assert reader[b"k"] == b"1999" and reader.count() == 2001
                assert snapshot[b"k"] == b"1" and snapshot.count() == 1
            with pytest.raises(lsmdb.ReadOnly):
                reader[b"k"] = b"v"
            with pytest.raises(lsmdb.Locked):
                lsmdb.open(tmp_path)
            with pytest.raises(lsmdb.Locked):
                lsmdb.destroy(tmp_path)
            [slot] = db.readers()
            assert slot.process_id == os.getpid() and slot.seqno == reader.latest_seqno
            assert slot.edit > 0 and 0 < slot.lease_left <= 60
            reader.verify()
            assert reader.doctor() and reader.stats() and reader.explain_get(b"k")
        assert db.readers() == []
        assert db.refresh() is False
    with pytest.raises(lsmdb.Closed):
        db.refresh()


def test_a_reader_that_looks_by_itself(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path) as db, lsmdb.open(tmp_path, mode="r", refresh_every=0.01) as reader:
        for number in range(5):
            db[b"k"] = b"%d" % number
            until = time.monotonic() + 60
            while reader.get(b"k") != b"%d" % number:
                assert time.monotonic() < until
                time.sleep(0.002)


def test_options_of_readers(tmp_path: Path) -> None:
    lsmdb.open(tmp_path).close()
    options = lsmdb.Options(refresh_every_ms=20, reader_lease_ms=1000)
    assert lsmdb.Options.parse(str(options)).refresh_every_ms == 20
    with lsmdb.open(tmp_path, mode="r", options=options) as reader:
        assert reader.readers()[0].lease_left <= 1
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(lsmdb.InvalidArgument):
            lsmdb.open(tmp_path, mode="r", refresh_every=wrong)
    with pytest.raises(lsmdb.InvalidArgument, match="read_only"):
        lsmdb.open(tmp_path, refresh_every=1)
    with pytest.raises(lsmdb.InvalidArgument, match="100 ms"):
        lsmdb.Options(reader_lease_ms=99)


def test_processes_that_read_and_write_and_are_killed(tmp_path: Path) -> None:
    place, dice = tmp_path / "db", random.Random(7)
    with lsmdb.open(place, options=SMALL) as db, db.batch() as batch:
        batch[b"last"] = b"0"
        for key in range(10):
            batch[b"key %d" % key] = b"0"
    writer = again(WRITER, place)
    readers = [again(READER, place, seed) for seed in range(3)]
    seen = []
    for turn in range(12):
        time.sleep(0.2 + dice.random() / 2)
        if turn % 4 == 3:
            killed(writer)
            writer = again(WRITER, place)
        else:
            seen += killed(readers.pop(0))
            readers.append(again(READER, place, turn))
    for reader in readers:
        seen += killed(reader)
    killed(writer)
    assert seen, "somebody has read something"
    with lsmdb.open(place) as db:
        assert db.readers() == []
        assert int(db[b"last"]) >= max(map(int, seen))
        db.verify()


def test_a_hundred_openings_beside_a_writer(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path, options=SMALL) as db:
        for opening in range(100):
            db[b"k"] = b"%d" % opening
            db[b"%d" % opening] = b"x" * 2000
            with lsmdb.open(tmp_path, mode="r") as reader:
                assert reader[b"k"] == b"%d" % opening and reader.count() == opening + 2


def test_a_directory_that_vanishes(tmp_path: Path) -> None:
    place = tmp_path / "db"
    db = lsmdb.open(place, options=SMALL)
    db[b"k"] = b"v"
    reader = lsmdb.open(place, mode="r")
    shutil.rmtree(place)
    with pytest.raises(lsmdb.Error, match="vanished"):
        reader.refresh()
    assert reader[b"k"] == b"v"
    reader.close()
    try:
        db.close()
    except lsmdb.Error:
        pass


def test_refresh_in_a_loop_of_asyncio(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path) as db, aio.open(tmp_path, mode="r") as reader:
            await db.put(b"k", b"v")
            assert await reader.get(b"k") is None
            assert await reader.refresh()
            assert await reader.get(b"k") == b"v"
            [slot] = await db.readers()
            assert slot.process_id == os.getpid() == (await reader.readers())[0].process_id
        async with aio.open(tmp_path, mode="r", refresh_every=1) as reader:
            assert await reader.get(b"k") == b"v"

    asyncio.run(main())
