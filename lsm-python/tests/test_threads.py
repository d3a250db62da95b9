"""Threads and signals: who waits lets others run, and hears Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import lsmdb
import pytest


def test_a_hammer(tmp_path: Path) -> None:
    """Threads share everything; what each of them wrote alone is there in the end."""
    turns = 300
    with lsmdb.open(tmp_path / "db", memory_limit=16 << 20) as db:
        shared_walk, shared_cursor = db.items(), db.range().cursor()
        shared_batch = db.batch()
        wrong: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for turn in range(turns):
                    key = b"%d/%05d" % (number, turn)
                    db[key] = key * 20
                    assert db[key] == key * 20
                    assert db.get_value(key) == key * 20
                    shared_batch.put(b"batch/" + key, key)
                    if turn % 50 == 0:
                        shared_batch.commit()
                        assert db.prefix(b"%d/" % number).count() == turn + 1
                    next(shared_walk, None)
                    shared_cursor.next()
                    shared_cursor.refresh()
                    with db.snapshot() as snapshot:
                        db.delete(b"none")
                        assert snapshot.get(key) == key * 20
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shared_batch.commit()
        assert wrong == []
        for number in range(8):
            assert db.prefix(b"%d/" % number).count() == turns
        assert db.prefix(b"batch/").count() == 8 * turns
        db.verify()


def pace_beside(call: Callable[[], object]) -> float:
    """The longest part of its time that a thread of Python had to wait while another one was in
    `call`; all of it if the call was over before that thread had a turn."""
    is_over = threading.Event()
    longest = [0.0]

    def work() -> None:
        last = time.perf_counter()
        while not is_over.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            longest[0] = max(longest[0], now - last)
            last = now

    thread = threading.Thread(target=work)
    thread.start()
    begun = time.perf_counter()
    call()
    taken = time.perf_counter() - begun
    is_over.set()
    thread.join()
    return longest[0] / taken if longest[0] > 0 else 1.0


def test_long_calls_let_others_run(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db.put_many((b"%07d" % number, bytes(100)) for number in range(200_000))
        keys = [b"%07d" % number for number in range(200_000)]
        calls: dict[str, Callable[[], object]] = {
            "count": db.count,
            "compact": db.compact,
            "verify": db.verify,
            "get_many": lambda: db.get_many(keys),
        }
        for name, call in calls.items():
            # On a busy machine a thread waits now and then whatever the call does.
            assert any(pace_beside(call) < 0.7 for _ in range(5)), name


INTERRUPTED = {
    "count": "db.count()",
    "compact": "db.compact()",
    "verify": "db.verify()",
    "list": "[list(db.items()) for _ in range(1000)]",
    "drain": "collections.deque(itertools.chain.from_iterable(itertools.repeat(db)), maxlen=0)",
    "get_many": "db.get_many(keys)",
    "update": "db.update((b'%07d' % number, b'') for number in itertools.count())",
    "wait_idle": "db.wait_idle()",
    "put_many": "db.put_many((b'%09d' % number, bytes(1000)) for number in itertools.count())",
}


@pytest.mark.parametrize("name", INTERRUPTED)
def test_ctrl_c_works_at_once(tmp_path: Path, name: str) -> None:
    program = f"""
import collections, itertools, lsmdb, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it in the background
signal.alarm(60)
db = lsmdb.open('db', options=lsmdb.Options(sync_interval_ms=0))
db.put_many((b'%07d' % number, bytes(300)) for number in range(150_000))
keys = [b'%07d' % number for number in range(150_000)] * 5
print('ready', flush=True)
try:
    while True:
        {INTERRUPTED[name]}
except KeyboardInterrupt:
    print('interrupted', flush=True)
    db.close()
    print('closed', flush=True)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        sent = time.perf_counter()
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        heard = time.perf_counter() - sent
        assert child.stdout.read() == "closed\n"
    assert child.returncode == 0
    assert heard < 5, name


def test_what_a_callback_raises_stops_the_call(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise ZeroDivisionError

    with lsmdb.open(tmp_path / "db") as db:
        db.put_many((b"%07d" % number, bytes(100)) for number in range(50_000))
        for call in (db.count, db.compact, db.verify, db.flush):
            db.put_many((b"%07d" % number, bytes(90)) for number in range(5000))
            with pytest.raises(ZeroDivisionError):
                call(progress=stop)
        assert db.count() == 50_000


def test_timeouts(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db", options=lsmdb.Options(sync_interval_ms=0)) as db:
        db.put_many((b"%07d" % number, bytes(100)) for number in range(100_000))
        with pytest.raises(lsmdb.Timeout) as late:
            db.compact(timeout=0)
        assert isinstance(late.value, TimeoutError) and late.value.retryable
        db.wait_durable(db.latest_seqno, 30)
        db.compact(timeout=60)


def test_a_listener_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[lsmdb.Event] = []
    raised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: raised.append(told.exc_value))

    def listen(event: lsmdb.Event) -> None:
        events.append(event)
        if event.kind == "keyspace_created":
            raise ZeroDivisionError

    with lsmdb.open(tmp_path / "db", listener=listen) as db:
        db[b"k"] = b"v"
        db.keyspace("mine")
        db.flush()
        db.compact()
    kinds = [event.kind for event in events]
    assert kinds[0] == "recovered"
    assert {"keyspace_created", "flush_began", "flushed"} <= set(kinds)
    assert [type(error) for error in raised] == [ZeroDivisionError]
    created = events[kinds.index("keyspace_created")]
    assert (created.keyspace, created.level) == ("mine", "info")
    assert "mine" in str(created) and "mine" in repr(created)


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/proc/self/task", os.R_OK), reason="no /proc")
def test_no_thread_is_left(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/task"))
    for _ in range(5):
        with lsmdb.open(tmp_path / "db") as db:
            db[b"k"] = b"v"
    deadline = time.monotonic() + 5
    while len(os.listdir("/proc/self/task")) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/task")) <= before


def test_handlers_of_signals_may_look_at_the_batch_that_is_committed(tmp_path: Path) -> None:
    program = """
import lsmdb, signal
db = lsmdb.open('db', durability='durable')
batch, seen = db.batch(), []
def look(signum, frame):
    try:
        seen.append(len(batch))
    except lsmdb.Busy:
        seen.append('busy')
signal.signal(signal.SIGALRM, look)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
while len(seen) < 300:
    for number in range(50):
        batch[b'%d' % number] = bytes(2000)
    batch.commit()
signal.setitimer(signal.ITIMER_REAL, 0)
db.close()
"""
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
