"""Pairs out of whatever `dict` takes them from."""

from collections.abc import Iterable, Mapping
from typing import Any

from lsmdb._native import Range, Readable


def pairs(given: Any, /) -> Iterable[tuple[Any, Any]]:
    """The pairs of a mapping, of anything else that has keys, or of an iterable of pairs."""
    # What is ours is read once, as it is at one moment.
    if isinstance(given, (Mapping, Readable, Range)):
        return given.items()
    if hasattr(given, "keys"):
        return ((key, given[key]) for key in given.keys())
    return (_pair(item) for item in given)


def _pair(item: Any) -> tuple[Any, Any]:
    key, value = item
    return key, value
