"""Salvage: a damaged database becomes a new one, and a report tells what was lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import lsmdb
import pytest
from lsmdb import aio


def filled(path: Path) -> Path:
    with lsmdb.open(path) as db:
        users = db.keyspace("users")
        for number in range(2000):
            db[b"key %05d" % number] = b"value %d" % number
        users[b"u"] = b"1"
        db.flush()
    return path


def damage(path: Path) -> Path:
    """A byte of the first block of the largest table."""
    table = max(path.glob("*.sst"), key=lambda table: table.stat().st_size)
    image = bytearray(table.read_bytes())
    image[200] ^= 0x20
    table.write_bytes(image)
    return table


def test_a_whole_database_is_salvaged_as_it_is(tmp_path: Path) -> None:
    path = filled(tmp_path / "db")
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    told: list[tuple[int, int]] = []
    report = lsmdb.salvage(
        path, tmp_path / "new", progress=lambda done, total: told.append((done, total))
    )
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    assert report["is_complete"] and report["is_manifest_whole"]
    assert (report["lost"], report["lost_log"]) == ([], [])
    assert [(it["name"], it["pairs"]) for it in report["keyspaces"]] == [
        ("default", 2000),
        ("users", 1),
    ]
    assert told and all(done <= total for done, total in told)
    with lsmdb.open(tmp_path / "new") as db:
        assert db[b"key 01234"] == b"value 1234"
        assert db.keyspace("users")[b"u"] == b"1"


def test_what_was_lost_is_told_by_its_keys(tmp_path: Path) -> None:
    path = filled(tmp_path / "db")
    table = damage(path)
    report = lsmdb.salvage(path, tmp_path / "new", options=lsmdb.Options(background_threads=1))
    assert not report["is_complete"]
    (lost,) = report["lost"]
    assert (lost["keyspace"], lost["file"]) == ("default", table.name)
    assert lost["from"] <= b"key 00000" < lost["to"]
    with lsmdb.open(tmp_path / "new") as db:
        missing = [key for key in (b"key %05d" % number for number in range(2000)) if key not in db]
        assert missing and all(lost["from"] <= key < lost["to"] for key in missing)


def test_it_refuses_what_cannot_be_meant(tmp_path: Path) -> None:
    path = filled(tmp_path / "db")
    with pytest.raises(lsmdb.Error, match="exists"):
        lsmdb.salvage(path, path)
    with pytest.raises(lsmdb.Error, match="no database"):
        lsmdb.salvage(tmp_path / "none", tmp_path / "new")
    with lsmdb.open(path), pytest.raises(lsmdb.Locked):
        lsmdb.salvage(path, tmp_path / "new")

    def stop(done: int, total: int) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError):
        lsmdb.salvage(path, tmp_path / "new", progress=stop)
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").iterdir())
    with pytest.raises(ValueError):
        lsmdb.salvage(path, tmp_path / "new", options="no_such=1")


def test_a_loop_may_wait_for_it(tmp_path: Path) -> None:
    path = filled(tmp_path / "db")
    told: list[int] = []

    async def main() -> dict[str, object]:
        return await aio.salvage(
            path, tmp_path / "new", progress=lambda done, total: told.append(done)
        )

    assert asyncio.run(main())["is_complete"]


def test_a_scrub_tells_of_damage(tmp_path: Path) -> None:
    path = filled(tmp_path / "db")
    table = damage(path)
    events: list[lsmdb.Event] = []
    options = lsmdb.Options.parse("scrub_bytes_per_second=16MiB")
    assert options.scrub_bytes_per_second == 16 << 20
    with lsmdb.open(path, options=options, listener=events.append) as db:
        while not any(event.kind == "damage_found" for event in events):
            db.sync()
        (damaged,) = db.stats()["damage"]
        assert damaged["file"] == table.name and damaged["offset"] == 128
        assert not damaged["is_set_aside"]
        assert db.metrics()
