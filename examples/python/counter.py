"""A number that outlives the program, made one larger by each run of it: counter.py DIRECTORY"""

import sys

import lsmdb
from lsmdb import codecs


def run(path: str) -> int:
    with lsmdb.open(path, memory_limit=32 << 20) as db:
        # Keys are str and values int from here on; type checkers know it too.
        numbers = codecs.typed(db, key=str, value=int)
        number = numbers.get("runs", 0) + 1
        # Most writes can wait for the next sync, within a second. This one does not.
        numbers.put("runs", number, durability="durable")
        return number


def main(path: str) -> None:
    # Three times, as if the program were started so often.
    for _ in range(3):
        print("run", run(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
