"""What reads and the doctor tell: data, attributes and text."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import lsmdb
import pytest
from lsmdb import aio, codecs


@pytest.fixture
def db(tmp_path: Path) -> Iterator[lsmdb.DB]:
    with lsmdb.open(tmp_path / "db") as db:
        yield db


def fill(db: lsmdb.DB, count: int = 1000) -> None:
    db.update((b"%06d" % at, b"value") for at in range(count))


def test_a_lookup_tells_what_it_asked(db: lsmdb.DB) -> None:
    fill(db)
    db.flush()
    db[b"new\xff"] = b"1"
    told = db.explain_get(b"000007")
    assert isinstance(told, lsmdb.Explanation) and isinstance(told, dict)
    assert (told["answer"], told.answer, told.value_bytes) == ("found", "found", 5)
    assert (told.key, told.keyspace, told.at) == (b"000007", "default", db.latest_seqno)
    memtable, table = told.steps
    assert (memtable["place"], memtable["memtable"], memtable["filter"]) == ("memtable", 0, "no")
    assert (table["place"], table["level"], table["answer"]) == ("table", 0, "found")
    parts = [read["part"] for read in table["reads"] if read["part"] != "opening"]
    assert parts == ["filter", "index", "entries"]
    assert all(read["from"] == "memory" for read in db.explain_get(b"000007").steps[1]["reads"])
    assert str(told).startswith("get 000007 of default, seen at 1001: found, 5 bytes, entry ")
    assert db.explain_get(b"new\xff").key == b"new\xff"
    assert db.explain_get(bytearray(b"nothing")).answer == "missing"
    with pytest.raises(AttributeError, match="'Explanation' object has no attribute 'missing'"):
        _ = told.missing
    assert db.explain_get(bytes(70_000)).answer == "missing"
    with pytest.raises(TypeError):
        db.explain_get("text")  # type: ignore[arg-type]


def test_every_reader_explains_its_own_moment(db: lsmdb.DB) -> None:
    users = db.keyspace("users")
    users[b"a"] = b"1"
    with db.snapshot() as snapshot:
        del users[b"a"]
        assert users.explain_get(b"a").answer == "deleted"
        assert users.at(snapshot).explain_get(b"a").answer == "found"
        assert users.at(snapshot).explain_range().pairs == 1
        assert snapshot.explain_get(b"a").answer == "missing"
    users.delete_range(b"a", b"b")
    assert users.explain_get(b"a").answer == "covered"
    assert users.reading(verify=True).explain_get(b"a").keyspace == "users"
    with pytest.raises(lsmdb.Closed):
        snapshot.explain_get(b"a")


def test_a_scan_tells_what_it_passed_over(db: lsmdb.DB) -> None:
    fill(db)
    db.flush()
    for at in range(100):
        del db[b"%06d" % at]
    told = db.explain_range(None, b"000500")
    assert (told.lower, told.upper, told.is_upper_excluded) == (None, b"000500", True)
    assert (told.pairs, told.is_complete, told.is_reverse) == (400, True, False)
    assert (told.entries["deleted"], told.entries["older"]) == (100, 100)
    assert [source["place"] for source in told.sources] == ["memtable", "table"]
    assert str(told).startswith("scan forward of default from the first key up to 000500, ")
    last = db.explain_range(limit=3, reverse=True)
    assert (last.pairs, last.is_complete, last.limit) == (3, False, 3)
    with pytest.raises(OverflowError):
        db.explain_range(limit=-1)


def test_a_long_scan_tells_how_far_it_is_and_is_stopped(db: lsmdb.DB) -> None:
    fill(db)
    told: list[int] = []

    def tell(done: int, total: int) -> None:
        told.append(done)
        if done == 512:
            raise KeyError(total)

    with pytest.raises(KeyError):
        db.explain_range(progress=tell)
    assert told == [256, 512]
    with pytest.raises(lsmdb.Timeout):
        db.explain_range(timeout=0)


def test_what_is_told_can_be_kept_elsewhere(db: lsmdb.DB) -> None:
    db[b"a"] = b"1"
    told = db.explain_get(b"a")
    for kept in (copy.deepcopy(told), pickle.loads(pickle.dumps(told))):
        assert (kept, str(kept), kept.answer) == (told, str(told), "found")
    assert json.loads(json.dumps(db.doctor())) == {"is_healthy": True, "findings": []}


def test_the_doctor_says_what_is_wrong_and_what_causes_it(db: lsmdb.DB, tmp_path: Path) -> None:
    well = db.doctor()
    assert isinstance(well, lsmdb.Diagnosis)
    assert (well.is_healthy, well.findings, str(well)[:7]) == (True, [], "healthy")
    db.pause_background()
    ill = db.doctor()
    (finding,) = ill["findings"]
    assert (finding["name"], finding["severity"]) == ("background_paused", "warning")
    assert (finding["option"], finding["keyspace"]) == ("pause_background", None)
    assert str(ill).startswith("warning: background_paused\n") and not ill.is_healthy
    db.resume_background()
    assert db.doctor().is_healthy
    with lsmdb.open(tmp_path / "other", durability="volatile") as other:
        assert [it["name"] for it in other.doctor().findings] == ["volatile"]
    with pytest.raises(lsmdb.Closed):
        other.doctor()


def test_typed_views_explain_by_their_own_keys(db: lsmdb.DB) -> None:
    typed = codecs.typed(db, key=int, value=str)
    typed.update({at: "value" for at in range(10)})
    told = typed.explain_get(7)
    assert (told.answer, told.key) == ("found", codecs.typed(db, key=int, value=str)._encode(7))
    assert typed.explain_range(2, 5).pairs == 3
    assert typed.explain_range(limit=4, reverse=True).pairs == 4


def test_a_loop_is_told_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.open(tmp_path / "db") as db:
            await db.put(b"a", b"1")
            assert (await db.explain_get(b"a")).answer == "found"
            told: list[int] = []
            scan = await db.explain_range(b"a", None, limit=1, progress=lambda n, _: told.append(n))
            assert (scan.pairs, scan.lower) == (1, b"a")
            async with db.snapshot() as snapshot:
                await db.delete(b"a")
                assert (await snapshot.explain_get(b"a")).answer == "found"
            assert (await db.doctor()).is_healthy

    asyncio.run(main())
