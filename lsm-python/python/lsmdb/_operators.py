"""`MergeOperator`: what operands of the program's own do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Merge = Callable[[bytes, bytes | None, list[bytes]], bytes]


@dataclass(frozen=True)
class MergeOperator:
    """What `merge` does in keyspaces that choose it by its name.

    `merge` is given a key, the value that was there or `None`, and the operands, the oldest first,
    and answers the value that becomes of them. It has to depend on these alone, is called by any
    thread, and may read the database, but not write to it. What it raises, the read that has asked
    raises as `Aborted`; nothing is lost then.

    >>> longest = lsmdb.MergeOperator(
    ...     "longest", lambda key, base, operands: max([base or b"", *operands], key=len)
    ... )
    >>> with lsmdb.DB("words", merge_operators=[longest]) as words:
    ...     chosen = words.keyspace("w", lsmdb.KeyspaceOptions(merge_operator="longest"))
    ...     chosen.merge(b"w", b"whale")
    ...     chosen.merge(b"w", b"wombat")
    ...     chosen[b"w"]
    b'wombat'
    """

    name: str
    """1 to 64 letters, digits, `-`, `_` and `.`, and none of the built-in names."""
    merge: Merge
    """What becomes of a value."""
    partial: Callable[[bytes, bytes, bytes], bytes | None] | None = None
    """Given a key and two operands, the older one first: one operand that does what both do, or
    `None`."""
    check: Callable[[bytes], object] | None = None
    """Given an operand that is about to be written: raises or answers `False` to refuse it."""
    check_value: Callable[[bytes], object] | None = None
    """The same of a value that is about to be put."""


MergeOperators = Iterable[MergeOperator] | Mapping[str, Merge]


def native_operators(operators: MergeOperators) -> list[tuple[Any, ...]]:
    """The operators as the native database takes them."""
    if isinstance(operators, Mapping):
        operators = [MergeOperator(name, merge) for name, merge in operators.items()]
    own = []
    for one in operators:
        functions = (one.merge, one.partial, one.check, one.check_value)
        for function in functions:
            if function is not None and not callable(function):
                kind = type(function).__name__
                raise TypeError(f"a merge operator is made of functions, which {kind} is not")
        own.append((one.name, *functions))
    return own
