"""Opens a database, writes, reads, deletes, closes: quickstart.py DIRECTORY"""

import sys

import lsmdb


def show(db: lsmdb.DB, key: bytes) -> None:
    value = db.get(key)
    print(f"{key.decode()}: not found" if value is None else f"{key.decode()} = {value.decode()}")


def main(path: str) -> None:
    # Makes the database if there is none. The end of the block closes it, which makes everything
    # durable, and raises if it could not.
    with lsmdb.open(path) as db:
        # Keys and values are bytes: what has the buffer protocol goes in, `bytes` come out.
        db[b"apple"] = b"red"
        db[b"pear"] = b"green"
        db[b"apple"] = b"yellow"
        # Deleting does not look whether the key is there, and so never raises KeyError.
        del db[b"pear"]
        show(db, b"apple")
        show(db, b"pear")


if __name__ == "__main__":
    main(*sys.argv[1:])
