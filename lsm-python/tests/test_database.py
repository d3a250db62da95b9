"""Opening, modes, keyspaces, snapshots, batches and errors."""

import os
from pathlib import Path

import lsmdb
import pytest


def test_modes(tmp_path: Path) -> None:
    path = tmp_path / "db"
    for mode in ("r", "w"):
        with pytest.raises(lsmdb.NoDatabase) as missing:
            lsmdb.open(path, mode=mode)
        error = missing.value
        assert isinstance(error, FileNotFoundError) and isinstance(error, ValueError)
        assert (error.errno, error.path, error.filename) == (2, str(path), str(path))
    with lsmdb.open(path, mode="x") as db:
        db[b"k"] = b"v"
    with pytest.raises(FileExistsError):
        lsmdb.open(path, mode="x")
    for mode in ("w", "c"):
        with lsmdb.open(path, mode=mode) as db:
            assert db[b"k"] == b"v"
    with lsmdb.open(path, mode="r") as db:
        assert db[b"k"] == b"v"
        for write in (lambda: db.put(b"k", b""), lambda: db.clear(), lambda: db.keyspace("new")):
            with pytest.raises(lsmdb.ReadOnly):
                write()
    with lsmdb.open(path, mode="n") as db:
        assert list(db) == []
        db[b"precious"] = b"1"
    (path / "mine.txt").write_text("stays")
    with pytest.raises(lsmdb.FormatTooNew, match="other files"):
        lsmdb.open(path, mode="n")
    with lsmdb.open(path) as db:
        assert db[b"precious"] == b"1"
    assert (path / "mine.txt").read_text() == "stays"
    with pytest.raises(ValueError, match="mode"):
        lsmdb.open(path, mode="a")  # type: ignore[arg-type]


@pytest.mark.parametrize("made", [str, Path, os.fsencode], ids=["str", "Path", "bytes"])
def test_paths(tmp_path: Path, made: type) -> None:
    path = tmp_path / "d\u00e9b \udcff" / "deep"
    with lsmdb.DB(made(path)) as db:
        assert db.path == str(path)
        assert "deep" in repr(db)
    assert path.is_dir()
    for wrong in (5, None, b"a\0b", "a\0b"):
        with pytest.raises((TypeError, ValueError)):
            lsmdb.open(wrong)  # type: ignore[arg-type]


def test_wrong_paths_say_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "db"):
        with pytest.raises(lsmdb.StorageError) as wrong:
            lsmdb.open(path)
        assert wrong.value.errno == 20
        assert wrong.value.path is not None


def test_a_locked_one(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db"):
        with pytest.raises(lsmdb.Locked) as locked:
            lsmdb.open(tmp_path / "db")
        assert isinstance(locked.value, BlockingIOError)
        assert locked.value.errno == 11
        assert locked.value.retryable
        assert str(os.getpid()) in str(locked.value)
        with pytest.raises(lsmdb.Locked):
            lsmdb.destroy(tmp_path / "db")
    (tmp_path / "db" / "notes").write_text("")
    assert lsmdb.destroy(tmp_path / "db") == ["notes"]
    with pytest.raises(lsmdb.NoDatabase):
        lsmdb.destroy(tmp_path / "db")


def test_a_foreign_one(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db"):
        pass
    for head in (tmp_path / "db").iterdir():
        head.write_bytes(b"something else entirely, " * 100)
    with pytest.raises((lsmdb.FormatTooNew, lsmdb.Corruption)) as wrong:
        lsmdb.open(tmp_path / "db")
    assert wrong.value.path is not None


def test_options(tmp_path: Path) -> None:
    options = lsmdb.Options(memtable="skiplist", open_files_max=50, wal="write")
    with lsmdb.open(tmp_path / "db", memory_limit=20 << 20, threads=1, options=options) as db:
        assert db.stats()["memory"]["limit"] == 20 << 20
    for wrong in (
        {"memory_limit": 5},
        {"background_threads": 0},
        {"memtable": "array"},
        {"durability": "never"},
        {"memory_limit": -1},
    ):
        with pytest.raises(ValueError):
            lsmdb.Options(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        lsmdb.Options.parse("colour=red")
    with pytest.raises(TypeError):
        lsmdb.Options(colour="red")  # type: ignore[call-arg]


def test_keyspaces(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        users = db.keyspace("users", lsmdb.KeyspaceOptions(strategy="tiered:4", block_bytes=8192))
        users[b"k"] = b"u"
        db[b"k"] = b"d"
        assert (users.name, users[b"k"], db[b"k"], db.default[b"k"]) == ("users", b"u", b"d", b"d")
        assert db.keyspaces() == ["users"]
        assert users.options.strategy == "tiered:4"
        assert users.options.block_bytes == 8192
        assert db.keyspace("users", users.options)[b"k"] == b"u"
        with pytest.raises(lsmdb.InvalidArgument):
            db.keyspace("users", lsmdb.KeyspaceOptions())
        for name in ("", "x" * 1000):
            with pytest.raises(lsmdb.InvalidArgument):
                db.keyspace(name)
        assert db.drop_keyspace("users") is True
        assert db.drop_keyspace("users") is False
        with pytest.raises(lsmdb.Closed):
            users.get(b"k")
        assert b"k" not in db.keyspace("users")


def test_snapshots(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db, lsmdb.open(tmp_path / "other") as other:
        users = db.keyspace("users")
        users[b"k"] = db[b"k"] = b"before"
        snapshot = db.snapshot()
        users[b"k"] = db[b"k"] = b"after"
        db[b"new"] = b""
        assert snapshot[b"k"] == users.at(snapshot)[b"k"] == b"before"
        assert list(snapshot) == [b"k"]
        assert snapshot.seqno == db.latest_seqno - 3
        view, begun = users.at(snapshot), snapshot.items()
        with snapshot as entered:
            assert entered is snapshot
        assert snapshot.closed
        snapshot.close()
        for use in (lambda: snapshot[b"k"], lambda: users.at(snapshot), lambda: list(snapshot)):
            with pytest.raises(lsmdb.Closed, match="snapshot"):
                use()
        assert view[b"k"] == b"before"
        assert list(begun) == [(b"k", b"before")]
        with other.snapshot() as foreign, pytest.raises(lsmdb.InvalidArgument):
            users.at(foreign).get(b"k")


def test_batches(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db, lsmdb.open(tmp_path / "other") as other:
        users = db.keyspace("users")
        batch = db.batch(durability="durable")
        batch[b"a"] = b"1"
        batch.put(b"b", b"2", keyspace=users)
        batch[b"c"] = b"3"
        del batch[b"c"]
        del batch[b"x":b"z"]
        assert len(batch) == 5 and batch.nbytes > 0
        assert list(db) == []
        assert batch.commit() == db.latest_seqno == db.durable_seqno
        assert (len(batch), dict(db), dict(users)) == (0, {b"a": b"1"}, {b"b": b"2"})
        with pytest.raises(ZeroDivisionError), db.batch() as dropped:
            dropped[b"never"] = b""
            raise ZeroDivisionError
        assert b"never" not in db
        with db.batch() as empty:
            pass
        assert len(empty) == 0
        batch.put(b"k", b"v", keyspace=db.default)
        for foreign in (other, other.default, other.keyspace("users")):
            with pytest.raises(lsmdb.InvalidArgument, match="another database"):
                batch.put(b"k", b"foreign", keyspace=foreign)
            with pytest.raises(lsmdb.InvalidArgument, match="another database"):
                batch.delete(b"k", keyspace=foreign)
            with pytest.raises(lsmdb.InvalidArgument, match="another database"):
                batch.delete_range(None, None, keyspace=foreign)
        assert len(batch) == 1
        with pytest.raises(lsmdb.TooLarge):
            batch.put(bytes(70_000), b"")
        with pytest.raises(TypeError):
            batch.put(b"k", b"v", keyspace="users")  # type: ignore[arg-type]
        batch.commit()
        assert db[b"k"] == b"v"
        assert list(other) == []


def test_reading_in_other_ways(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db.update((b"%05d" % number, bytes(500)) for number in range(2000))
        db.flush()
    with lsmdb.open(tmp_path / "db") as db:
        with pytest.raises(lsmdb.Busy):
            db.reading(cached_only=True)[b"00001"]
        assert db.reading(fill_cache=False)[b"00001"] == bytes(500)
        assert db.reading(verify=True)[b"00001"] == bytes(500)
        assert db.reading(verify=True).count() == 2000
        assert db[b"00001"] == bytes(500)
        assert db.reading(cached_only=True)[b"00001"] == bytes(500)
        with pytest.raises(lsmdb.InvalidArgument):
            db.reading(cached_only=True, verify=True)


def test_looking_after_it(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        assert db.open_report["is_new"]
        db.put_many((b"%05d" % number, bytes(100)) for number in range(20_000))
        db.pause_background()
        db.resume_background()
        db.flush()
        db.wait_idle()
        db.sync()
        assert db.durable_seqno == db.latest_seqno
        assert db.fault is None
        db.resume()
        assert abs(db.approximate_count() - 20_000) < 2000
        assert db.range(b"00000", b"10000").approximate_bytes() > 1000
        metrics = db.metrics()
        assert all(isinstance(value, float) for value in metrics.values())
        assert any(name.startswith("lsm_") for name in metrics)
        told: list[tuple[int, int]] = []
        db.verify(progress=lambda *far: told.append(far))
        assert told and told[-1][0] == told[-1][1] > 0


def test_every_error_has_its_place() -> None:
    for name in lsmdb.__all__:
        found = getattr(lsmdb, name)
        if isinstance(found, type) and issubclass(found, Exception):
            assert issubclass(found, lsmdb.Error)
            assert found.__doc__
            assert (found.retryable, found.maybe_committed) == (False, False)
    assert str(lsmdb.Error("why")) == "why"
    assert str(lsmdb.Error()) == ""
