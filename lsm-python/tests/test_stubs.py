"""The stub says what the native module says."""

from types import SimpleNamespace

import pytest
import stubs
from lsmdb import _native


class Described:
    """A class."""

    def first(self) -> None:
        """One line."""

    def second(self) -> None:
        r"""Two lines, one with a \\.

        The other.
        """

    def silent(self) -> None: ...


MODULE = SimpleNamespace(Described=Described, function=Described.first)
BARE = """\
from typing import overload

class Described:
    @overload
    def first(self) -> None: ...
    @overload
    def first(self, key: int) -> int: ...
    def second(
        self,
    ) -> None: ...
    def silent(self) -> None: ...
    def _private(self) -> None: ...

def function() -> None: ...
"""
FULL = '''\
from typing import overload

class Described:
    """A class."""

    @overload
    def first(self) -> None:
        """One line."""
    @overload
    def first(self, key: int) -> int: ...
    def second(
        self,
    ) -> None:
        r"""Two lines, one with a \\\\.

        The other.
        """
    def silent(self) -> None:
        ...
    def _private(self) -> None: ...

def function() -> None:
    """One line."""
'''


def test_the_stub_has_the_docstrings_of_the_module() -> None:
    is_now = stubs.STUB.read_text()
    should_be = stubs.documented(is_now, _native)
    advice = "run lsm-python/tools/stubs.py --write\n"
    assert is_now == should_be, advice + "".join(stubs.difference(is_now, should_be))


def test_docstrings_are_filled_in() -> None:
    assert stubs.documented(BARE, MODULE) == FULL


def test_filling_in_again_changes_nothing() -> None:
    assert stubs.documented(FULL, MODULE) == FULL


def test_a_changed_docstring_is_noticed() -> None:
    stale = FULL.replace("The other.", "Another.")
    assert stubs.documented(stale, MODULE) == FULL
    assert "-        Another.\n" in stubs.difference(stale, FULL)


def test_a_name_that_the_module_lacks_is_an_error() -> None:
    with pytest.raises(AttributeError, match="missing"):
        stubs.documented("def missing() -> None: ...\n", MODULE)
