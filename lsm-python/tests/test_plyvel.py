"""`lsmdb.plyvel` by itself: what plyvel documents, held against lists of keys."""

from __future__ import annotations

import contextlib
import gc
import random
import subprocess
import sys
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import lsmdb
import pytest
from lsmdb import plyvel

EDGES = (b"", b"\x00", b"a", b"a\x00", b"ab", b"b", b"\xfe", b"\xff", b"\xff\xff", b"\xff\xff\x00")
LONGEST = b"\xff" * 65_535


@pytest.fixture
def db(tmp_path: Path) -> Iterator[plyvel.DB]:
    with plyvel.DB(tmp_path / "db", create_if_missing=True) as opened:
        yield opened


class Gap:
    """An iterator as plyvel documents it: a gap in a sorted list."""

    def __init__(self, keys: list[bytes], reverse: bool) -> None:
        self.keys, self.reverse = keys, reverse
        self.at = len(keys) if reverse else 0

    def step(self, is_forth: bool) -> bytes | None:
        if is_forth != self.reverse:
            if self.at == len(self.keys):
                return None
            self.at += 1
            return self.keys[self.at - 1]
        if self.at == 0:
            return None
        self.at -= 1
        return self.keys[self.at]

    def move(self, verb: str, target: bytes) -> bytes | None:
        match verb:
            case "next" | "prev":
                return self.step(verb == "next")
            case "seek":
                self.at = bisect_left(self.keys, target)
            case "seek_to_start":
                self.at = 0
            case "seek_to_stop":
                self.at = len(self.keys)
        return None


def moved(iterator: Any, verb: str, target: bytes) -> bytes | None:
    try:
        if verb == "next":
            return next(iterator)  # type: ignore[no-any-return]
        if verb == "seek":
            return iterator.seek(target)  # type: ignore[no-any-return]
        return getattr(iterator, verb)()  # type: ignore[no-any-return]
    except StopIteration:
        return None


def within(keys: list[bytes], how: dict[str, Any]) -> list[bytes]:
    """The keys that an iterator made so goes over."""
    prefix, start, stop = (how.get(name) for name in ("prefix", "start", "stop"))
    if prefix is not None:
        return [key for key in keys if key.startswith(prefix)]
    after = [
        key
        for key in keys
        if start is None or key > start or (key == start and how["include_start"])
    ]
    return [
        key for key in after if stop is None or key < stop or (key == stop and how["include_stop"])
    ]


def chosen(rng: random.Random) -> dict[str, Any]:
    how: dict[str, Any] = {"reverse": rng.random() < 0.5}
    how["include_start"], how["include_stop"] = rng.random() < 0.5, rng.random() < 0.5
    if rng.random() < 0.3:
        how["prefix"] = rng.choice(EDGES)
    else:
        how["start"], how["stop"] = rng.choice((None, *EDGES)), rng.choice((None, *EDGES))
    return how


@pytest.mark.parametrize("hidden", [b"", b"p", b"\xff", b"\xff\xff"])
def test_iterators_move_like_a_gap_in_a_list(db: plyvel.DB, hidden: bytes) -> None:
    rng = random.Random(hidden)
    part = db.prefixed_db(hidden)
    keys = sorted(rng.sample(EDGES, 7))
    for key in (b"o", b"q", b"\xfe\xff"):
        if hidden:
            db.put(key, b"beside")
    for key in keys:
        part.put(key, b"")
    snapshot = part.snapshot()
    part.delete(keys[0])
    for _ in range(400):
        how, source = chosen(rng), rng.choice((part, snapshot))
        seen = within(keys[source is part :], how)
        gap, iterator = Gap(seen, how["reverse"]), source.iterator(include_value=False, **how)
        for _ in range(rng.randint(1, 10)):
            verb = rng.choice(("next", "next", "prev", "seek", "seek_to_start", "seek_to_stop"))
            target = rng.choice(EDGES)
            assert moved(iterator, verb, target) == gap.move(verb, target), (how, verb, target)


def test_long_iterators_turn_back_where_they_are(db: plyvel.DB) -> None:
    keys = [b"%05d" % number for number in range(5000)]
    with db.write_batch() as batch:
        for key in keys:
            batch.put(key, key)
    for reverse in (False, True):
        for passed in (1, 3, 4, 5, 1023, 1024, 1400, 4999, 5000):
            iterator = db.iterator(reverse=reverse)
            last = [next(iterator) for _ in range(passed)][-1]
            assert iterator.prev() == last
            assert next(iterator) == last
            rest = [key for key, _ in iterator]
            assert len(rest) == 5000 - passed
            assert iterator.prev() == ((keys[0],) * 2 if reverse else (keys[-1],) * 2)


def test_an_iterator_sees_the_moment_of_its_making(db: plyvel.DB) -> None:
    db.put(b"a", b"old")
    iterator, raw = db.iterator(), db.raw_iterator()
    db.put(b"a", b"new")
    db.put(b"b", b"new")
    assert list(iterator) == [(b"a", b"old")]
    iterator.seek_to_start()
    assert list(iterator) == [(b"a", b"old")]
    raw.seek_to_last()
    assert raw.item() == (b"a", b"old")


@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize("has_value", [True, False])
@pytest.mark.parametrize("hidden", [b"", b"x/"])
def test_what_is_included(db: plyvel.DB, has_key: bool, has_value: bool, hidden: bytes) -> None:
    part = db.prefixed_db(hidden)
    part.put(b"a", b"1")
    part.put(b"b", b"2")
    shown: dict[tuple[bool, bool], list[Any]] = {
        (True, True): [(b"a", b"1"), (b"b", b"2")],
        (True, False): [b"a", b"b"],
        (False, True): [b"1", b"2"],
        (False, False): [None, None],
    }
    want = shown[has_key, has_value]
    iterator = part.iterator(include_key=has_key, include_value=has_value)
    assert list(iterator) == want
    assert [iterator.prev(), iterator.prev()] == want[::-1]
    assert list(iterator) == want


def test_raw_iterators_stand_on_entries(db: plyvel.DB) -> None:
    for letter in (b"a", b"c"):
        db.put(letter, letter.upper())
    raw = db.raw_iterator()
    for method in (raw.key, raw.value, raw.item, raw.next, raw.prev):
        with pytest.raises(plyvel.IteratorInvalidError):
            method()
    raw.seek(b"b")
    assert raw.item() == (b"c", b"C")
    raw.prev()
    raw.next()
    raw.prev()
    assert raw.key() == b"a"
    raw.prev()
    assert not raw.valid()
    with pytest.raises(plyvel.Error):
        raw.next()
    raw.seek(b"d")
    assert not raw.valid()


def test_a_block_that_raises_writes_unless_it_is_a_transaction(db: plyvel.DB) -> None:
    for transaction in (False, True):
        with pytest.raises(KeyError), db.write_batch(transaction=transaction) as batch:
            batch.put(b"%d" % transaction, b"")
            raise KeyError
    assert list(db.iterator(include_value=False)) == [b"0"]


def test_a_batch_copies_what_it_is_given_and_can_be_written_again(db: plyvel.DB) -> None:
    key, value = bytearray(b"key"), bytearray(b"value")
    batch = db.write_batch(sync=True)
    batch.put(key, value)
    key[:], value[:] = b"abc", b"xxxxx"
    batch.write()
    assert list(db) == [(b"key", b"value")]
    db.delete(b"key")
    batch.write()
    assert list(db) == [(b"key", b"value")]


def test_a_batch_is_one_write_for_all_who_look(db: plyvel.DB) -> None:
    batch = db.write_batch()
    for number in range(100):
        batch.put(b"%d" % number, b"")
    batch.put(b"long" * 20_000, b"")
    with pytest.raises(plyvel.Error):
        batch.write()
    assert list(db) == []


@pytest.mark.parametrize("odd", [None, "text", 7, 1.5, [b"a"]])
def test_only_bytes_go_in(db: plyvel.DB, odd: Any) -> None:
    part, batch = db.prefixed_db(b"x"), db.write_batch()
    calls: tuple[Callable[[], object], ...] = (
        lambda: db.put(odd, b""),
        lambda: db.put(b"", odd),
        lambda: db.get(odd),
        lambda: db.delete(odd),
        lambda: part.put(odd, b""),
        lambda: part.get(odd),
        lambda: part.delete(odd),
        lambda: batch.put(odd, b""),
        lambda: batch.put(b"", odd),
        lambda: batch.delete(odd),
        lambda: db.iterator().seek(odd),
        lambda: db.raw_iterator().seek(odd),
        lambda: part.iterator().seek(odd),
        lambda: db.snapshot().get(odd),
        lambda: db.prefixed_db(odd),
        lambda: part.prefixed_db(odd),
        lambda: db.approximate_size(odd, b""),
    )
    for call in calls:
        with pytest.raises(TypeError):
            call()
    assert list(db) == []
    for name in ("start", "stop", "prefix"):
        if odd is not None:
            with pytest.raises(TypeError):
                db.iterator(**{name: odd})


@pytest.mark.parametrize("made", [bytes, bytearray, memoryview])
def test_anything_with_bytes_goes_in(db: plyvel.DB, made: Callable[[bytes], Any]) -> None:
    part = db.prefixed_db(made(b"p"))
    part.put(made(b"key"), made(b"value"), sync=True)
    assert part.get(made(b"key")) == b"value"
    assert list(db.iterator(start=made(b"pk"), stop=made(b"pz"))) == [(b"pkey", b"value")]
    iterator = part.iterator(prefix=made(b"k"))
    iterator.seek(made(b"kez"))
    assert iterator.prev() == (b"key", b"value")
    part.delete(made(b"key"))
    assert list(db) == []


def test_the_longest_keys_are_bounds_too(db: plyvel.DB) -> None:
    for key in (b"a", LONGEST):
        db.put(key, b"")
    keys: dict[str, Any] = {"include_value": False}
    assert list(db.iterator(stop=LONGEST, include_stop=True, **keys)) == [b"a", LONGEST]
    assert list(db.iterator(start=LONGEST, include_start=False, **keys)) == []
    assert list(db.iterator(start=LONGEST + b"x", **keys)) == []
    assert list(db.iterator(stop=LONGEST + b"x", **keys)) == [b"a", LONGEST]
    assert list(db.iterator(prefix=LONGEST, **keys)) == [LONGEST]


def test_everything_ends_with_the_database(db: plyvel.DB) -> None:
    db.put(b"a", b"")
    part, batch, iterator = db.prefixed_db(b"x"), db.write_batch(), db.iterator()
    raw, snapshot, walked = db.raw_iterator(), db.snapshot(), db.iterator()
    next(walked), walked.prev()
    db.close()
    db.close()
    assert db.closed and "closed" in repr(db)
    calls: tuple[Callable[[], object], ...] = (
        lambda: db.get(b"a"),
        lambda: db.put(b"a", b""),
        lambda: db.delete(b"a"),
        db.iterator,
        db.raw_iterator,
        db.snapshot,
        db.write_batch,
        db.compact_range,
        db.approximate_sizes,
        lambda: db.get_property(b"leveldb.stats"),
        lambda: list(db),
        lambda: list(part),
        lambda: part.get(b"a"),
        part.snapshot,
        lambda: batch.put(b"a", b""),
        batch.write,
        batch.clear,
        lambda: next(iterator),
        iterator.prev,
        iterator.seek_to_start,
        lambda: next(walked),
        raw.valid,
        raw.seek_to_first,
        lambda: snapshot.get(b"a"),
        lambda: snapshot.get(b"a", fill_cache=False),
        lambda: list(snapshot),
        lambda: list(snapshot.iterator(verify_checksums=True)),
        snapshot.raw_iterator,
    )
    for call in calls:
        with pytest.raises(RuntimeError):
            call()
    for closed in (iterator, raw, snapshot):
        closed.close()


def test_a_forgotten_database_is_closed_once_nobody_iterates(tmp_path: Path) -> None:
    for _ in range(3):
        db = plyvel.DB(tmp_path / "db", create_if_missing=True)
        db.put(b"a", b"")
        iterator = db.iterator()
        del db
        gc.collect()
        assert next(iterator) == (b"a", b"")
        with pytest.raises(plyvel.IOError):
            plyvel.DB(tmp_path / "db")
        del iterator
        gc.collect()


def test_iterators_of_a_closed_database_do_not_hold_it(tmp_path: Path) -> None:
    db = plyvel.DB(tmp_path / "db", create_if_missing=True)
    with db.write_batch() as batch:
        for number in range(3000):
            batch.put(b"%04d" % number, b"v" * 100)
    iterator, raw, snapshot = db.iterator(), db.raw_iterator(), db.snapshot()
    next(iterator)
    raw.seek_to_last()
    db.close()
    with plyvel.DB(tmp_path / "db") as again:
        assert next(again.iterator()) == (b"0000", b"v" * 100)
    calls = (lambda: next(iterator), iterator.prev, raw.item, raw.prev, lambda: list(snapshot))
    for call in calls:
        with pytest.raises(RuntimeError):
            call()


@pytest.mark.parametrize("reverse", [False, True])
def test_turns_at_every_place_lose_and_repeat_nothing(db: plyvel.DB, reverse: bool) -> None:
    keys = [b"%04d" % number for number in range(300)]
    with db.write_batch() as batch:
        for key in keys:
            batch.put(key, key)
    order = keys[::-1] if reverse else keys
    for passed in range(0, 301, 7):
        for turned in (1, 2, 5, 40, 400):
            iterator = db.iterator(include_value=False, reverse=reverse)
            assert [next(iterator) for _ in range(passed)] == order[:passed]
            back = []
            with contextlib.suppress(StopIteration):
                for _ in range(turned):
                    back.append(iterator.prev())
            assert back == order[:passed][::-1][:turned]
            assert list(iterator) == order[max(0, passed - turned) :]


def test_damage_does_not_move_an_iterator_unseen(tmp_path: Path) -> None:
    with plyvel.DB(tmp_path / "db", create_if_missing=True, compression=None) as db:
        for number in range(2000):
            db.put(b"%04d" % number, b"v" * 100)
        db.compact_range()
    damage(tmp_path / "db")
    with plyvel.DB(tmp_path / "db") as db:
        forth = db.iterator(include_value=False)
        for iterator in (forth, db.iterator(include_value=False, reverse=True)):
            with pytest.raises((plyvel.CorruptionError, RuntimeError)):
                while True:
                    next(iterator)
        back = db.iterator()
        back.seek_to_stop()
        with pytest.raises(plyvel.CorruptionError):
            while True:
                back.prev()
        with pytest.raises(RuntimeError):
            next(back)


def test_threads_that_share_an_iterator_share_its_entries(db: plyvel.DB) -> None:
    keys = [b"%05d" % number for number in range(20_000)]
    with db.write_batch() as batch:
        for key in keys:
            batch.put(key, b"")
    iterator = db.iterator(include_value=False)
    taken: list[list[bytes]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=part.extend, args=(iterator,)) for part in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for part in taken for key in part) == keys


def test_an_interpreter_that_ends_with_it_open_is_quiet(tmp_path: Path) -> None:
    program = """
import sys
from lsmdb import plyvel
db = plyvel.DB(sys.argv[1], create_if_missing=True)
db.put(b"a", b"")
db.loop = db
iterator, raw, snapshot = db.iterator(), db.raw_iterator(), db.snapshot()
next(iterator)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "db")], capture_output=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    with plyvel.DB(tmp_path / "db") as db:
        assert list(db) == [(b"a", b"")]


def test_options_become_the_engines(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "write_buffer_size": 1 << 20,
        "lru_cache_size": 32 << 20,
        "block_size": 16 << 10,
        "bloom_filter_bits": 14,
        "compression": None,
        "max_open_files": 1000,
    }
    with plyvel.DB(tmp_path / "db", create_if_missing=True, **options) as db:
        db.put(b"a", b"")
        limit = db._native.stats()["memory"]["limit"]
    assert limit == (32 + 4 * 1 + 8) << 20
    with lsmdb.open(tmp_path / "db", mode="w") as native:
        kept = native.keyspace("leveldb").options
        assert (kept.block_bytes, kept.filter_bits_per_key) == (16 << 10, 14)
        assert kept.compression == "none"
    with plyvel.DB(tmp_path / "db", compression="snappy", block_size=4096) as db:
        assert list(db) == [(b"a", b"")]


def test_no_option_is_too_small_or_too_large(tmp_path: Path) -> None:
    names = ("write_buffer_size", "lru_cache_size", "block_size", "bloom_filter_bits")
    for number, size in enumerate((0, 1, 1 << 62)):
        options: dict[str, Any] = dict.fromkeys(names, size)
        with plyvel.DB(tmp_path / f"{number}", create_if_missing=True, **options) as db:
            db.put(b"a", b"b")
            assert db.get(b"a") == b"b"


def damage(database: Path) -> dict[Path, bytes]:
    """Changes a byte in the middle of each table."""
    damaged = {}
    for table in database.glob("*.sst"):
        data = bytearray(table.read_bytes())
        data[len(data) // 2] ^= 0xFF
        table.write_bytes(data)
        damaged[table] = bytes(data)
    assert damaged
    return damaged


def test_comparators_are_those_of_bytes(tmp_path: Path) -> None:
    def compared(a: bytes, b: bytes) -> int:
        return (a > b) - (a < b)

    name = b"leveldb.BytewiseComparator"
    with plyvel.DB(
        tmp_path / "db", create_if_missing=True, comparator=compared, comparator_name=name
    ):
        pass
    with pytest.raises(plyvel.Error, match="ordered by their bytes"):
        plyvel.DB(tmp_path / "db", comparator=compared, comparator_name=b"other")
    with lsmdb.open(tmp_path / "db", mode="w") as native:
        native.keyspace("leveldb.about")[b"comparator"] = b"other"
    with pytest.raises(plyvel.Error, match="existing comparator"):
        plyvel.DB(tmp_path / "db")
    lsmdb.open(tmp_path / "db", mode="w").close()


def test_destroying_leaves_what_is_not_the_databases(tmp_path: Path) -> None:
    plyvel.DB(tmp_path / "db", create_if_missing=True).close()
    (tmp_path / "db" / "notes.txt").write_text("mine")
    plyvel.destroy_db(tmp_path / "db")
    assert [path.name for path in (tmp_path / "db").iterdir()] == ["notes.txt"]
    plyvel.destroy_db(tmp_path / "db")
    plyvel.destroy_db(tmp_path / "nothing")
    (tmp_path / "db" / "notes.txt").unlink()
    with plyvel.DB(tmp_path / "db", create_if_missing=True) as db:
        assert list(db) == []


def test_repairing_tells_damage_and_loses_nothing(tmp_path: Path) -> None:
    with plyvel.DB(tmp_path / "db", create_if_missing=True) as db:
        for number in range(1000):
            db.put(b"%d" % number, b"v" * 100)
        db.compact_range()
    plyvel.repair_db(tmp_path / "db")
    damaged = damage(tmp_path / "db")
    with pytest.raises(plyvel.CorruptionError):
        plyvel.repair_db(tmp_path / "db")
    assert all(path.read_bytes() == damaged[path] for path in damaged if path.exists())
    assert any(path.exists() for path in damaged)


def test_properties(db: plyvel.DB) -> None:
    assert db.get_property(b"leveldb.num-files-at-level0") == b"0"
    for number in range(100):
        db.put(b"%d" % number, b"v" * 1000)
    db.compact_range()
    counts = [db.get_property(b"leveldb.num-files-at-level%d" % level) for level in range(7)]
    assert sum(int(count) for count in counts if count is not None) == 1
    for name in (b"leveldb.stats", b"leveldb.sstables"):
        text = db.get_property(name)
        assert text is not None and b"entries" in text
    memory = db.get_property(b"leveldb.approximate-memory-usage")
    assert memory is not None and int(memory) > 0
    for name in (b"", b"stats", b"leveldb.", b"leveldb.num-files-at-level", b"rocksdb.stats"):
        assert db.get_property(name) is None
    for level in (b"7", b"-1", b"1x", b"\xb2"):
        assert db.get_property(b"leveldb.num-files-at-level" + level) is None


def test_sizes(db: plyvel.DB) -> None:
    rng = random.Random(7)
    for number in range(1000):
        db.put(b"%04d" % number, rng.randbytes(100))
    db.compact_range()
    whole, none, half = db.approximate_sizes((b"0", b"9"), (b"9", b"0"), (b"0000", b"0500"))
    assert 100_000 < whole < 200_000 and none == 0 and whole / 3 < half < whole * 2 / 3
    with pytest.raises(ValueError):
        db.approximate_sizes((b"a",))  # type: ignore[arg-type]


def test_reads_may_leave_the_cache_alone(db: plyvel.DB) -> None:
    for number in range(1000):
        db.put(b"%04d" % number, b"v" * 100)
    db.compact_range()
    how: dict[str, Any] = {"fill_cache": False, "verify_checksums": True}
    assert db.get(b"0001", **how) == b"v" * 100
    assert db.prefixed_db(b"00").get(b"01", **how) == b"v" * 100
    assert db.snapshot().get(b"0001", **how) == b"v" * 100
    iterator = db.iterator(include_value=False, **how)
    keys = list(iterator)
    assert len(keys) == 1000 and all(a < b for a, b in pairwise(keys))
    assert iterator.prev() == b"0999"


def test_asking_for_a_key_with_in_is_refused(db: plyvel.DB) -> None:
    for source in (db, db.prefixed_db(b"a"), db.snapshot()):
        with pytest.raises(TypeError):
            assert b"a" in source
