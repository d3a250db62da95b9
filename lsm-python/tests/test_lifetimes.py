"""Closing, forgetting and ending in every order: errors and warnings, and never a crash."""

import contextlib
import copy
import gc
import itertools
import pickle
import random
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import lsmdb
import pytest

MAKERS: dict[str, Callable[[lsmdb.DB], object]] = {
    "keyspace": lambda db: db.keyspace("k"),
    "default": lambda db: db.default,
    "snapshot": lambda db: db.snapshot(),
    "view": lambda db: db.at(db.snapshot()),
    "reading": lambda db: db.reading(fill_cache=False),
    "range": lambda db: db.range(),
    "walk": lambda db: db.items(),
    "lent": lambda db: db.range().zero_copy(),
    "chunks": lambda db: db.range().chunks(2),
    "cursor": lambda db: db.range().cursor(),
    "batch": lambda db: db.batch(),
}


def use(thing: object) -> object:
    match thing:
        case lsmdb.Readable():
            return thing.get(b"k")
        case lsmdb.Range():
            return list(thing)
        case lsmdb.Cursor():
            return thing.next()
        case lsmdb.Batch():
            thing.put(b"k", b"v")
            return thing.commit()
        case _:
            return next(thing)  # type: ignore[call-overload]


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("is_used_before", [False, True])
def test_use_after_close(tmp_path: Path, maker: str, is_used_before: bool) -> None:
    db = lsmdb.open(tmp_path / "db")
    db.update((b"%d" % number, b"") for number in range(10))
    thing = MAKERS[maker](db)
    if is_used_before:
        use(thing)
    db.close()
    db.close()
    for attempt in (thing, db):
        with pytest.raises(lsmdb.Closed):
            use(attempt)
    with pytest.raises(ValueError):
        MAKERS[maker](db)
    assert db.closed
    assert "closed" in repr(db)
    assert db.path == str(tmp_path / "db")


@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_left_of_a_database_keeps_it(tmp_path: Path, maker: str) -> None:
    db = lsmdb.open(tmp_path / "db")
    db[b"k"] = b"v"
    gone = weakref.ref(db)
    thing = MAKERS[maker](db)
    closer = db._closer()
    del db
    gc.collect()
    use(thing)
    assert gone() is not None
    with pytest.warns(ResourceWarning, match="unclosed"):
        del thing
        gc.collect()
    assert gone() is None
    assert closer.closed
    lsmdb.open(tmp_path / "db").close()


def test_objects_go_in_any_order(tmp_path: Path) -> None:
    dice = random.Random(1)
    for turn, closes in itertools.product(range(12), [False, True]):
        db = lsmdb.open(tmp_path / "db")
        db.put_many((b"%05d" % number, bytes(number)) for number in range(300))
        things = [make(db) for make in MAKERS.values()]
        things += [list(db.range().zero_copy()), db.get_value(b"00200"), memoryview(db.get_value(b"00299"))]
        for thing in things[:-3]:
            use(thing)
        ring: list[object] = [things]
        ring.append(ring)
        dice.shuffle(things)
        db.close() if closes or turn else None
        del ring, thing
        while things:
            things.pop()
            gc.collect(0)
        db.close()
        del db
        gc.collect()


class Owner:
    """Has a database, and is told what happens in it."""

    def __init__(self, path: Path) -> None:
        self.heard: list[str] = []
        self.db = lsmdb.open(path, listener=self.hear)

    def hear(self, event: lsmdb.Event) -> None:
        self.heard.append(event.kind)


def test_a_listener_that_has_its_database_goes_after_close(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "db")
    owner.db[b"k"] = b"v"
    owner.db.flush()
    gc.collect()
    gc.collect()
    owner.db.keyspace("users")
    assert {"flush_began", "keyspace_created"} <= set(owner.heard)
    gone = weakref.ref(owner)
    owner.db.close()
    del owner
    gc.collect()
    assert gone() is None


def test_a_listener_goes_with_a_database_that_is_closed(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "db")
    gone, db = weakref.ref(owner), owner.db
    del owner.db, owner
    gc.collect()
    assert gone() is not None
    db.close()
    assert gone() is None


def test_a_listener_and_its_database_go_when_both_are_forgotten(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "db")
    owner.db[b"k"] = b"v"
    gone, heard = weakref.ref(owner), owner.heard
    with pytest.warns(ResourceWarning, match="unclosed database"):
        del owner
        gc.collect()
    assert gone() is None
    assert "keyspace_created" not in heard
    with lsmdb.open(tmp_path / "db") as db:
        assert db[b"k"] == b"v"


def test_a_part_of_a_database_keeps_who_is_told(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "db")
    default, heard, gone = owner.db.default, owner.heard, weakref.ref(owner)
    del owner
    gc.collect()
    default[b"k"] = b"v"
    default.flush()
    assert "flush_began" in heard
    with pytest.warns(ResourceWarning, match="unclosed database"):
        del default
        gc.collect()
    assert gone() is None


def test_a_ring_through_a_subclass_is_collected(tmp_path: Path) -> None:
    class Own(lsmdb.DB):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.users = self.keyspace("users")
            self.all = self.range()
            self.begun = self.items()

    own = Own(tmp_path / "db")
    gone = weakref.ref(own)
    with pytest.warns(ResourceWarning, match="unclosed"):
        del own
        gc.collect()
    assert gone() is None
    lsmdb.open(tmp_path / "db").close()


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps])
def test_handles_cannot_be_copied(tmp_path: Path, maker: str, how: Callable[[object], object]) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        for thing in (db, MAKERS[maker](db)):
            with pytest.raises(TypeError, match="pickle"):
                how(thing)


def test_what_is_data_can_be_pickled(tmp_path: Path) -> None:
    options = lsmdb.Options(memory_limit=64 << 20, durability="durable")
    keyspace = lsmdb.KeyspaceOptions(strategy="tiered")
    for data in (options, keyspace):
        assert pickle.loads(pickle.dumps(data)) == data
        whole = type(data).parse(str(data))
        assert type(data).parse(str(whole)) == whole
        assert hash(data) == hash(copy.deepcopy(data))
        assert eval(repr(data), vars(lsmdb)) == data
    with pytest.raises(lsmdb.Corruption) as raised:
        raise damaged(tmp_path)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.path, again.offset) == (
        str(raised.value), raised.value.path, raised.value.offset,
    )  # fmt: skip


def damaged(home: Path) -> BaseException:
    """What opening or reading a damaged database raises."""
    with lsmdb.open(home / "damaged") as db:
        db.update((b"%05d" % number, bytes(100)) for number in range(500))
        db.flush()
    (table,) = (home / "damaged").glob("*.sst")
    raw = bytearray(table.read_bytes())
    raw[300] ^= 1
    table.write_bytes(raw)
    with lsmdb.open(home / "damaged") as db:
        try:
            db.verify()
        except lsmdb.Error as error:
            assert error.path is not None and error.path.endswith(".sst")
            return error
    raise AssertionError("nobody noticed")


def test_closing_while_others_work(tmp_path: Path) -> None:
    for _ in range(5):
        db = lsmdb.open(tmp_path / "db")
        db.put_many((b"%05d" % number, bytes(100)) for number in range(2000))
        ended: list[str] = []

        def work(db: lsmdb.DB = db, ended: list[str] = ended) -> None:
            try:
                while True:
                    db[b"k"] = b"v"
                    assert len(list(db[b"00100":b"00200"])) == 100
                    db.get_many([b"00001", b"00002"])
                    with db.snapshot() as snapshot:
                        snapshot.get(b"k")
            except lsmdb.Closed:
                ended.append("closed")

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        closers = [threading.Thread(target=db.close) for _ in range(3)]
        for thread in closers:
            thread.start()
        for thread in threads + closers:
            thread.join()
        assert ended == ["closed"] * 6


ENDINGS = {
    "open": "pass",
    "in a daemon thread": """
def work():
    while True:
        db[b'k'] = b'v'; list(db[b'a':b'z']); db.get(b'k')
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
""",
    "with a listener": "db2 = lsmdb.open('db2', listener=print); db2[b'a'] = b'b'; db2.flush()",
    "in a ring": "ring = [db, walk]; ring.append(ring)",
    "by an error": "raise SystemExit(0)",
    "kept by a module": "sys.kept = [db, walk, view, cursor]; sys.modules['kept'] = db",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_ends(tmp_path: Path, ending: str) -> None:
    program = f"""
import sys, threading, time, lsmdb
db = lsmdb.open('db')
db.put_many((b'%05d' % number, bytes(100)) for number in range(2000))
walk = db.items(); next(walk)
view = memoryview(db.get_value(b'00001'))
cursor = db.range().cursor(); cursor.next()
batch = db.batch(); batch[b'never'] = b''
{ENDINGS[ending]}
"""
    command = [sys.executable, "-X", "dev", "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "unclosed database" in ended.stderr
    assert "Fatal" not in ended.stderr and "panicked" not in ended.stderr, ended.stderr
    with lsmdb.open(tmp_path / "db") as db:
        assert db.open_report["was_clean"]
        assert db[b"01999"] == bytes(100)
        assert b"never" not in db


def test_everybody_who_closes_waits_until_it_is_closed(tmp_path: Path) -> None:
    for _ in range(10):
        db = lsmdb.open(tmp_path / "db")
        db.put_many((b"%05d" % number, bytes(1000)) for number in range(3000))
        opened: list[bool] = []

        def close_and_open(db: lsmdb.DB = db, opened: list[bool] = opened) -> None:
            db.close()
            with contextlib.suppress(lsmdb.Locked), lsmdb.open(tmp_path / "db"):
                opened.append(True)

        threads = [threading.Thread(target=close_and_open) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert opened


def test_a_subclass_that_cannot_be_shown_yet(tmp_path: Path) -> None:
    class Own(lsmdb.DB):
        def __init__(self, path: Path, label: str) -> None:
            super().__init__(path)
            self.label = label

        def __new__(cls, path: Path, label: str) -> "Own":
            return super().__new__(cls, path, listener=lambda event: None)

        def __repr__(self) -> str:
            return f"<Own {self.label}>"

    with Own(tmp_path / "db", "one") as own:
        assert repr(own) == "<Own one>"


def test_what_was_never_finished_is_closed_beside_its_listener(tmp_path: Path) -> None:
    program = """
import lsmdb
with lsmdb.open('db', options=lsmdb.Options(log_segment_bytes_max=1 << 24)) as db:
    db.put_many((b'%06d' % number, bytes(1000)) for number in range(4000))
class Refused(lsmdb.DB):
    def _closer(self):
        raise ZeroDivisionError
for _ in range(3):
    try:
        Refused('db', listener=lambda event: str(event) * 100)
    except ZeroDivisionError:
        pass
lsmdb.open('db').close()
"""
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)


def test_the_end_of_the_interpreter_has_its_exceptions(tmp_path: Path) -> None:
    program = """
import builtins, lsmdb, os
db = lsmdb.open('db')
class Last:
    def __del__(self, db=db, closed=lsmdb.Closed, write=os.write):
        try:
            db[b'k']
        except closed:
            write(1, b'closed')
builtins.last = Last()
del db
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.returncode) == ("closed", 0), ended.stderr
