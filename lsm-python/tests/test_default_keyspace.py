"""How the default keyspace is kept: chosen with the opening that makes the database."""

import asyncio

import lsmdb
import pytest
from lsmdb import aio

CHOSEN = lsmdb.KeyspaceOptions(strategy="tiered:5", merge_operator="append", comparator="reverse")


def test_it_stays_as_it_was_chosen(tmp_path):
    path = tmp_path / "db"
    with lsmdb.open(path, default_keyspace=CHOSEN) as db:
        assert db.default.options == CHOSEN
        for key in (b"a", b"b"):
            db.merge(key, b"1")
            db.merge(key, b"2")
        assert db.keyspace("other").options == lsmdb.KeyspaceOptions()
    for again in ({}, {"default_keyspace": CHOSEN}, {"mode": "r"}):
        with lsmdb.open(path, **again) as db:
            assert list(db.items()) == [(b"b", b"12"), (b"a", b"12")]
            assert db.default.options == CHOSEN
    with pytest.raises(lsmdb.InvalidArgument, match="append.*max"):
        lsmdb.open(path, default_keyspace=lsmdb.KeyspaceOptions(merge_operator="max"))
    with lsmdb.open(path, mode="n", default_keyspace=lsmdb.KeyspaceOptions()) as db:
        assert db.default.options == lsmdb.KeyspaceOptions()
    with pytest.raises(lsmdb.InvalidArgument, match="no merge operator"):
        lsmdb.open(path, default_keyspace=CHOSEN)


def test_what_it_names_has_to_be_there(tmp_path):
    path = tmp_path / "db"
    for name in ("merge_operator", "compaction_filter"):
        with pytest.raises(lsmdb.InvalidArgument, match="nobody"):
            lsmdb.open(path, default_keyspace=lsmdb.KeyspaceOptions(**{name: "nobody"}))
    filtered = lsmdb.KeyspaceOptions(compaction_filter="sweeper")
    filters = {"sweeper": lambda key, value: value != b"x"}
    with lsmdb.open(path, compaction_filters=filters, default_keyspace=filtered) as db:
        db.update({b"a": b"x", b"b": b"stays"})
        db.compact()
        assert dict(db.items()) == {b"b": b"stays"}


def test_aio_takes_it_too(tmp_path):
    async def run() -> None:
        async with aio.open(tmp_path / "db", default_keyspace=CHOSEN) as db:
            await db.merge(b"k", b"1")
            await db.merge(b"k", b"2")
            assert await db.get(b"k") == b"12"

    asyncio.run(run())
