"""A disk that forgot some bytes, and what is left of the database: rescue.py DIRECTORY"""

import sys
from pathlib import Path

import lsmdb

PAIRS = 10_000


def key(number: int) -> bytes:
    return b"%08d" % number


def fill(path: str) -> None:
    with lsmdb.open(path) as db:
        db.update((key(number), b"a value of %d" % number) for number in range(PAIRS))
        db.flush()


def damage(path: str) -> None:
    """Turns a few bytes in the middle of the largest table over."""
    table = max(Path(path).glob("*.sst"), key=lambda file: file.stat().st_size)
    stored = bytearray(table.read_bytes())
    middle = len(stored) // 2
    for at in range(middle, middle + 8):
        stored[at] ^= 0xFF
    table.write_bytes(stored)


def read_all(path: str) -> None:
    """Damage fails what needs the damaged bytes, and nothing else."""
    with lsmdb.open(path) as db:
        print("the first is there:", db[key(0)].decode())
        try:
            db.verify()
        except lsmdb.Corruption as error:
            print("but not all is well:", Path(error.path or "").suffix)


def rescue(path: str, new_path: str) -> None:
    report = lsmdb.salvage(path, new_path)
    print("all of it was saved:", report["is_complete"])
    with lsmdb.open(new_path) as db:
        missing = {key(number) for number in range(PAIRS)} - set(db.keys())
    print("nearly all was:", 0 < len(missing) < PAIRS // 10)
    lost = [(part["from"], part["to"]) for part in report["lost"]]
    told = all(any(first <= key <= last for first, last in lost) for key in missing)
    print("what is missing was told:", told)


def main(path: str) -> None:
    fill(path)
    damage(path)
    read_all(path)
    rescue(path, path + ".rescued")


if __name__ == "__main__":
    main(*sys.argv[1:])
