"""The interpreter may end while daemon threads are in calls that call Python: nothing crashes."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
import sys, threading, time
import lsmdb

db = lsmdb.open(sys.argv[1])
db.update({b"%d" % number: b"x" for number in range(300)})

def busy(number=300000):
    for _ in range(number):
        pass

def pairs():
    while True:
        busy(20)
        yield b"key", b"value"

def keys():
    for key, _ in pairs():
        yield key

class Table:
    def __arrow_c_stream__(self, requested_schema=None):
        busy(10**9)

class Keyed:
    def keys(self):
        return [b"%d" % number for number in range(300)]

    def __getitem__(self, key):
        busy()
        return key

class Sized(dict):
    def __len__(self):
        busy()
        return 0

class Asked:
    def __getattr__(self, name):
        busy()
        raise AttributeError(name)

class Texted:
    def __str__(self):
        busy()
        return ""

class Held:
    def __buffer__(self, flags):
        busy()
        return memoryview(bytearray(b"key"))

    def __release_buffer__(self, view):
        busy()

def tried(call):
    try:
        call()
    except (lsmdb.Error, BufferError, TypeError):
        pass

def go_on(call):
    while True:
        call()

for _ in range(3):
    threading.Thread(target=go_on, args=[lambda: CALL], daemon=True).start()
time.sleep(0.1)
"""

CALLS = [
    "db.put_many(pairs())",
    "db.update(pairs())",
    "db.get_many(keys())",
    "db.update(Keyed())",
    "db.put_many(Sized(), progress=lambda done, total: None)",
    "tried(lambda: db.load(Asked()))",
    "tried(lambda: db.load(Asked(), progress=lambda done, total: None))",
    "tried(lambda: db.put_many(Asked()))",
    "db.keyspace('texted', Texted())",
    "db.stats()",
    "tried(lambda: db.get(Held()))",
    "tried(lambda: db.get_into(b'key', Held()))",
    "tried(lambda: db.load_columns(Held(), Held()))",
    "db.count(progress=lambda done, total: busy())",
    "db.put_many(db.items(), progress=lambda done, total: busy())",
    "db.load(Table())",
    "db.load(db[:], progress=lambda done, total: busy())",
    "db[:].to_numpy()",
    "list(db[:].columns(7))",
]


@pytest.mark.parametrize("call", CALLS)
def test_the_interpreter_ends(tmp_path: Path, call: str) -> None:
    if "numpy" in call:
        pytest.importorskip("numpy")
    program = textwrap.dedent(PROGRAM).replace("CALL", call)
    command = [sys.executable, "-W", "ignore", "-c", program, str(tmp_path / "db")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr[-2000:]
