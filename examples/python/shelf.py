"""Python objects that stay, by the standard library's shelve: shelf.py DIRECTORY"""

import shelve
import sys
from typing import Any

from lsmdb import dbm


def open_shelf(path: str) -> shelve.Shelf[Any]:
    # `dbm.open` takes what Python's own dbm modules take.
    return shelve.Shelf(dbm.open(path, "c"))


def main(path: str) -> None:
    with open_shelf(path) as shelf:
        shelf["primes"] = {2, 3, 5}
        shelf["pi"] = 3.14159
    # As another program would find it.
    with open_shelf(path) as shelf:
        shelf["primes"] |= {7}
        print("primes:", sorted(shelf["primes"]))
        print("all:", list(shelf))


if __name__ == "__main__":
    main(*sys.argv[1:])
