"""Orders of keys that are the program's own."""

from collections.abc import Callable, Mapping

SortKey = Callable[[bytes], bytes]


def native_comparators(comparators: Mapping[str, SortKey]) -> list[tuple[str, SortKey]]:
    """The comparators as the native database takes them."""
    for function in comparators.values():
        if not callable(function):
            kind = type(function).__name__
            raise TypeError(f"a comparator is a function that makes a sort key, not {kind}")
    return list(comparators.items())
