"""One handle, many threads: some write, one reads meanwhile: threads.py DIRECTORY"""

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import lsmdb
from lsmdb import codecs

WRITERS = 4
KEYS = 1000
Seen = codecs.Typed[tuple[int, int], bytes]


def write(seen: Seen, writer: int) -> None:
    for number in range(KEYS):
        seen[writer, number] = b"x"


def numbers(keys: Iterable[tuple[int, int]], writer: int) -> list[int]:
    return [number for owner, number in keys if owner == writer]


def look_for_gaps(seen: Seen) -> None:
    # Each writer writes its keys in order, so what a loop sees of them has no gap.
    for _ in range(20):
        keys = list(seen.range().keys())
        for writer in range(WRITERS):
            found = numbers(keys, writer)
            if found != list(range(len(found))):
                raise SystemExit(f"writer {writer}: a gap in {found}")


def main(path: str) -> None:
    # A database may be used by all threads at once: no lock is needed around it.
    with lsmdb.open(path) as db, ThreadPoolExecutor(WRITERS + 1) as pool:
        seen = codecs.typed(db, key=tuple[int, int], value=bytes)
        jobs = [pool.submit(write, seen, writer) for writer in range(WRITERS)]
        jobs.append(pool.submit(look_for_gaps, seen))
        for job in jobs:
            job.result()
        print(WRITERS, "threads wrote", db.count(), "keys")


if __name__ == "__main__":
    main(*sys.argv[1:])
