"""Columns as NumPy arrays. NumPy is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

    from lsmdb._native import Columns


def to_numpy(
    columns: Columns, key: DTypeLike | None, value: DTypeLike | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Gives the keys and the values as arrays, of that dtype or of bytes objects."""
    keys = _array("key", key, columns.key_data, columns.key_offsets, columns.keys)
    values = _array("value", value, columns.value_data, columns.value_offsets, columns.values)
    return keys, values


def _array(
    what: str,
    wanted: DTypeLike | None,
    data: memoryview,
    offsets: memoryview,
    listed: Callable[[], list[bytes]],
) -> NDArray[Any]:
    import numpy as np

    rows = len(offsets) - 1
    if wanted is None:
        objects = np.empty(rows, dtype=object)
        objects[:] = listed()
        return objects
    dtype = _fixed(wanted)
    widths = np.diff(np.frombuffer(offsets, dtype=offsets.format))
    wrong = np.flatnonzero(widths != dtype.itemsize)
    if wrong.size:
        row = wrong[0]
        is_like = f"has {widths[row]} bytes, and {dtype} takes {dtype.itemsize}"
        raise ValueError(f"the {what} in row {row} {is_like}")
    if rows == 0:
        array = np.empty(0, dtype)
        array.flags.writeable = False
        return array
    return np.frombuffer(data, dtype)


def _fixed(wanted: DTypeLike) -> np.dtype[Any]:
    """Gives the dtype, if its items are bytes and nothing else, and always as many."""
    import numpy as np

    dtype = np.dtype(wanted)
    if dtype.hasobject:
        raise TypeError("the dtype has Python objects in it, and the database has bytes")
    if dtype.itemsize == 0:
        raise TypeError(f"the dtype {dtype} has no width: name one, as in S16")
    return dtype
