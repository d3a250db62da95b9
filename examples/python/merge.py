"""Counters and logs that are written without being read: merge.py DIRECTORY"""

import sys

import lsmdb


def number(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


def main(path: str) -> None:
    with lsmdb.open(path, memory_limit=32 << 20) as db:
        visits = db.keyspace("visits", lsmdb.KeyspaceOptions(merge_operator="add_i64"))
        for visit in (40, 1, 1):
            visits.merge(b"home", number(visit))
        log = db.keyspace("log", lsmdb.KeyspaceOptions(merge_operator="append"))
        for weather in (b"rain", b", sun", b", snow"):
            log.merge(b"monday", weather)
        print("visits:", int.from_bytes(visits[b"home"], "little", signed=True))
        print("monday:", log[b"monday"].decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
