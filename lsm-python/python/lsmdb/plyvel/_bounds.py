"""Parts of the keys: half open, as the engine has them."""

from __future__ import annotations

from typing import TypeAlias

Bounds: TypeAlias = tuple[bytes | None, bytes | None]


def of_prefix(prefix: bytes) -> Bounds:
    """The keys that begin so."""
    return prefix or None, behind(prefix)


def between(
    within: bytes, start: bytes | None, stop: bytes | None, ends: tuple[bool, bool]
) -> Bounds:
    """The keys that begin with `within`, then lie from start to stop; `ends` is whether these two
    themselves belong to them."""
    if start is None:
        first = within or None
    else:
        first = within + start + (b"" if ends[0] else b"\0")
    if stop is None:
        return first, behind(within)
    return first, within + stop + (b"\0" if ends[1] else b"")


def behind(prefix: bytes) -> bytes | None:
    """The first bytes behind all that begin so; None if nothing can lie behind them."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
