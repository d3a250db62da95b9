"""The best first: a keyspace whose keys are in reverse order: ranking.py DIRECTORY"""

import sys

import lsmdb


def print_all(scores: lsmdb.Range) -> None:
    for key, value in scores:
        print(" ", key.decode(), value.decode())


def main(path: str) -> None:
    with lsmdb.open(path) as db:
        scores = db.keyspace("scores", lsmdb.KeyspaceOptions(comparator="reverse"))
        scores.update({b"0310": b"bob", b"0920": b"eve", b"0740": b"ada"})
        print("the best first:")
        print_all(scores.range())
        # Bounds are in the keyspace's order: what is best stands before what is good.
        print("from 800 down:")
        print_all(scores.range(b"0800", None))


if __name__ == "__main__":
    main(*sys.argv[1:])
