"""Garbage that is taken away when tables are merged: filter.py DIRECTORY"""

import sys

import lsmdb


def sweep(key: bytes, value: bytes) -> lsmdb.FilterDecision | bytes:
    """What is done with goes, and what is of the first form becomes one of the second."""
    if value.startswith(b"done"):
        return lsmdb.FilterDecision.REMOVE
    if value.startswith(b"v1 "):
        return b"v2 " + value[3:]
    return lsmdb.FilterDecision.KEEP


def main(path: str) -> None:
    with lsmdb.open(path, memory_limit=32 << 20, compaction_filters={"sweeper": sweep}) as db:
        jobs = db.keyspace("jobs", lsmdb.KeyspaceOptions(compaction_filter="sweeper"))
        jobs.update({b"1": b"done", b"2": b"v1 wash", b"3": b"v2 cook", b"4": b"done too"})
        jobs.compact()
        for key, value in jobs.items():
            print(f"{key.decode()}: {value.decode()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
