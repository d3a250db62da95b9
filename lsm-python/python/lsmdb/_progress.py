"""Long calls tell how far they are: to a function, or to a progress bar."""

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

Told: TypeAlias = Callable[[int, int], object]


@runtime_checkable
class Bar(Protocol):
    """A progress bar in the manner of tqdm: it stands at `n` of `total`, and is moved on."""

    n: float
    total: float | None

    def update(self, n: float, /) -> object:
        """Moves the bar on by `n`."""


def told(progress: Told | Bar, /) -> Told:
    """Gives the function `(done, total)` that a long call tells how far it is.

    `total` is never less than `done`, and the same while nobody knows it. What the function raises
    stops the call.

    >>> told(print)(3, 4)
    3 4
    """
    if isinstance(progress, type):
        raise TypeError(f"progress must be a function or a bar, not the class {progress.__name__}")
    if isinstance(progress, Bar):
        return _Mover(progress)
    if callable(progress):
        return progress
    kind = type(progress).__name__
    raise TypeError(f"progress must be a function (done, total) or a bar with update(), not {kind}")


class _Mover:
    """Moves a bar on from where it stands, so that one bar can show several calls."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._start = bar.n
        self._done = 0
        # A total that somebody else gave is kept, as long as it can be true.
        self._is_total_ours = bar.total is None

    def __call__(self, done: int, total: int) -> None:
        if total > done or self._bar.total is not None:
            self._expect(self._start + total)
        step, self._done = done - self._done, done
        self._bar.update(step)

    def _expect(self, total: float) -> None:
        known = self._bar.total
        if self._is_total_ours or known is None or known < total:
            self._bar.total = total
