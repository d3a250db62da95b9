"""Keys in order: by prefix, between two keys, and backwards: range_scan.py DIRECTORY"""

import sys

import lsmdb

WEATHER = {
    b"2026-03-01": b"rain",
    b"2026-02-28": b"snow",
    b"2026-03-03": b"sun",
    b"2026-04-01": b"hail",
    b"2026-03-02": b"fog",
}


def main(path: str) -> None:
    with lsmdb.open(path) as db:
        db.update(WEATHER)
        print("in March:")
        for day, weather in db.prefix(b"2026-03-"):
            print(" ", day.decode(), weather.decode())
        print("from the 2nd of March, before April, the last one first:")
        # A slice reads nothing before it is asked, and can be gone over again.
        for day, weather in reversed(db[b"2026-03-02":b"2026-04-01"]):
            print(" ", day.decode(), weather.decode())
        # A range goes at the cost of one write, however many keys are in it.
        del db[b"2026-03-":b"2026-04-"]
        print("without March:", db.count(), "days")


if __name__ == "__main__":
    main(*sys.argv[1:])
