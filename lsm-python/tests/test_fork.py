"""A forked child: the parent's objects refuse, and are let go of without harm; its own work."""

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import lsmdb
import pytest

# Forking beside threads is what this is about.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


class Scene:
    """One of everything, as the parent has it."""

    def __init__(self, path: Path) -> None:
        self.db = lsmdb.open(path)
        self.db.put_many((b"%05d" % number, bytes(100)) for number in range(5000))
        self.keyspace = self.db.keyspace("k")
        self.range = self.db[b"0":]
        self.walk = iter(self.range)
        self.lent = self.range.zero_copy()
        self.cursor = self.range.cursor()
        self.value = self.db.get_value(b"00001")
        self.snapshot = self.db.snapshot()
        self.view = self.keyspace.at(self.snapshot)
        self.batch = self.db.batch()
        self.batch[b"k"] = b"v"
        for begun in (self.walk, self.lent, self.cursor):
            next(begun)

    def uses(self) -> dict[str, Callable[[], object]]:
        db = self.db
        return {
            "get": lambda: db[b"00001"],
            "value": lambda: db.get(self.value),
            "put": lambda: db.put(b"k", b"v"),
            "durable": lambda: db.put(b"k", b"v", durability="durable"),
            "update": lambda: db.update({b"k": b"v"}),
            "walk": lambda: next(self.walk),
            "lent": lambda: next(self.lent),
            "cursor": lambda: self.cursor.next(),
            "range": lambda: list(self.range),
            "snapshot": lambda: self.snapshot[b"00001"],
            "view": lambda: self.view.get(b"k"),
            "keyspace": lambda: self.keyspace.get(b"k"),
            "commit": lambda: self.batch.commit(),
            "count": lambda: db.count(),
            "stats": lambda: db.stats(),
            "sync": lambda: db.sync(),
            "flush": lambda: db.flush(),
            "compact": lambda: db.compact(),
            "path": lambda: db.path,
        }


def harm_in_child(scene: Scene, own: Path) -> list[str]:
    """Everything that is not as it should be."""
    harm = []
    for name, use in scene.uses().items():
        try:
            use()
            harm.append(f"{name} went on")
        except lsmdb.ForkedProcess:
            pass
        except BaseException as error:
            harm.append(f"{name}: {error!r}")
    scene.snapshot.close()
    scene.cursor.close()
    scene.db.close()
    if not (scene.db.closed and scene.snapshot.closed):
        harm.append("not closed")
    with lsmdb.open(own) as db:
        db.update({b"own": b"1"})
        db.compact()
        if dict(db) != {b"own": b"1"}:
            harm.append("its own database is wrong")
    vars(scene).clear()
    gc.collect()
    return harm


def in_child(work: Callable[[], list[str]]) -> str:
    """What a child finds wrong."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = "\n".join(work())
        except BaseException as error:
            told = repr(error)
        os.write(writer, told.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return told if status == 0 else f"{told} status {status}"


def test_children_beside_threads_that_read_and_write(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "db")
    is_over = threading.Event()

    def work(number: int) -> None:
        while not is_over.is_set():
            scene.db[b"t%d" % number] = bytes(200)
            scene.db.get(b"%05d" % number)
            list(scene.db[b"00100":b"00110"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(20):
            own = tmp_path / f"own{number}"
            assert in_child(lambda own=own: harm_in_child(scene, own)) == ""  # type: ignore[misc]
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    scene.db[b"still"] = b"here"
    assert scene.db[b"00001"] == bytes(100)
    assert scene.snapshot.closed is False
    assert next(scene.walk)[0] == b"00001"
    scene.db.close()


def test_the_child_may_not_open_what_the_parent_has(tmp_path: Path) -> None:
    def work() -> list[str]:
        try:
            lsmdb.open(tmp_path / "db")
        except lsmdb.Locked:
            return []
        return ["it opened"]

    with lsmdb.open(tmp_path / "db"):
        assert in_child(work) == ""


def test_what_other_threads_had_to_themselves_is_left_alone(tmp_path: Path) -> None:
    """Python drops it in the child before it calls anybody."""
    with lsmdb.open(tmp_path / "db") as db:
        db[b"k"] = b"v"
        own = threading.local()
        is_over = threading.Event()

        def keep() -> None:
            own.things = [db.snapshot(), db.items(), db.get_value(b"k"), db.batch()]
            is_over.wait()

        def churn() -> None:
            while not is_over.is_set():
                db.snapshot().close()

        threads = [threading.Thread(target=work) for work in (keep, churn, churn)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(60):
                assert in_child(lambda: []) == ""
        finally:
            is_over.set()
            for thread in threads:
                thread.join()


def test_objects_of_the_parent_can_be_shown(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "db")
    things = [scene.db, scene.keyspace, scene.snapshot, scene.view, scene.range, scene.batch]
    things.append(scene.db.get_value(b"00001"))
    assert in_child(lambda: [str(thing) for thing in things if "lsmdb" not in repr(thing)]) == ""
    scene.db.close()
