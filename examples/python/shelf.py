"""Python objects that stay, by the standard library's shelve: shelf.py DIRECTORY"""

import shelve
import sys

from lsmdb import dbm


def main(path: str) -> None:
    with shelve.Shelf(dbm.open(path, "c")) as shelf:
        shelf["primes"] = {2, 3, 5}
        shelf["pi"] = 3.14159
    # Another program may come by. `dbm.open` takes what Python's own dbm modules take.
    with shelve.Shelf(dbm.open(path, "w")) as shelf:
        shelf["primes"] |= {7}
        print("primes:", sorted(shelf["primes"]))
        print("all:", list(shelf))


if __name__ == "__main__":
    main(*sys.argv[1:])
