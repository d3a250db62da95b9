"""Writes that happen together, and reading as it was before: batch_snapshot.py DIRECTORY"""

import sys

import lsmdb


def balances(accounts: lsmdb.Readable) -> str:
    return " ".join(f"{name.decode()} has {sum_.decode()}" for name, sum_ in accounts.items())


def main(path: str) -> None:
    with lsmdb.open(path) as db:
        db.update({b"ada": b"100", b"bob": b"0"})
        # A keyspace is a tree of its own; a batch may write to several of one database.
        journal = db.keyspace("journal")
        with db.snapshot() as before:
            # All three or none, for every reader and after every crash; and these are to survive a
            # power cut as soon as the block ends. If the block raises, nothing is written.
            with db.batch(durability="durable") as batch:
                batch[b"ada"] = b"60"
                batch[b"bob"] = b"40"
                batch.put(b"1", b"ada to bob: 40", keyspace=journal)
            print("before:", balances(before))
            print("after: ", balances(db))
            print("journal: 1 has", journal[b"1"].decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
