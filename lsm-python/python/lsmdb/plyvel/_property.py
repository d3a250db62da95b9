"""What a database tells about itself, by the names that LevelDB gave these properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsmdb.plyvel._opening import PAIRS

if TYPE_CHECKING:
    import lsmdb

#: Levels that LevelDB has; others have no property.
LEVELS = 7
COLUMNS = ("level", "tables", "bytes", "entries", "deletes")


def property_of(native: lsmdb.DB, name: bytes) -> bytes | None:
    """The text of a property; None if there is none of this name."""
    kind, point, rest = name.partition(b".")
    if (kind, point) != (b"leveldb", b"."):
        return None
    count = rest.removeprefix(b"num-files-at-level")
    if count != rest:
        return _tables_at(native, count)
    stats = native.stats()
    match rest:
        case b"stats":
            lines = (f"{name} {value:g}" for name, value in sorted(native.metrics().items()))
            return (_levels(stats) + "\n".join(lines) + "\n").encode()
        case b"sstables":
            return _levels(stats).encode()
        case b"approximate-memory-usage":
            return str(stats["memory"]["used"]).encode()
    return None


def _tables_at(native: lsmdb.DB, number: bytes) -> bytes | None:
    if not number.isdigit() or int(number) >= LEVELS:
        return None
    levels = _levels_of(native.stats())
    return str(sum(it["tables"] for it in levels if it["level"] == int(number))).encode()


def _levels_of(stats: dict[str, Any]) -> list[dict[str, int]]:
    pairs = (it for it in stats["keyspaces"] if it["name"] == PAIRS)
    return [level for keyspace in pairs for level in keyspace["levels"]]


def _levels(stats: dict[str, Any]) -> str:
    """A line for each level that holds something."""
    rows = [COLUMNS, *(tuple(str(it[name]) for name in COLUMNS) for it in _levels_of(stats))]
    return "".join(" ".join(f"{cell:>11}" for cell in row) + "\n" for row in rows)
