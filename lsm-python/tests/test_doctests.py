"""Every public name is documented, and every example in a docstring is true."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import examples
import lsmdb
import members
import pytest

PUBLIC = list(members.public())
SHOWN = [member for member in PUBLIC if ">>> " in member.doc]


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What an example may use beside its module: an empty database, a folder to work in."""
    monkeypatch.chdir(tmp_path)
    with lsmdb.open("example") as db:
        shared = {"lsmdb": lsmdb, "db": db}
        yield shared
    shared.clear()
    gc.collect()


@pytest.mark.parametrize("member", PUBLIC, ids=lambda member: member.name)
def test_every_public_name_says_what_it_is(member: members.Member) -> None:
    assert member.doc, f"{member.name} has no docstring"
    opening = member.doc.split("\n\n")[0]
    assert opening.endswith("."), f"{member.name} opens with {opening!r}"


# A person at a prompt may leave a database open.
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
@pytest.mark.parametrize("member", SHOWN, ids=lambda member: member.name)
def test_examples_are_true(member: members.Member, names: dict[str, Any]) -> None:
    assert examples.prompts(member.doc, {**vars(member.module), **names}, member.name) > 0


def test_every_class_that_reads_or_writes_shows_how() -> None:
    shown = {member.name for member in SHOWN}
    assert {"lsmdb", "lsmdb.DB", "lsmdb.Batch", "lsmdb.Range", "lsmdb.Snapshot"} <= shown


def test_a_wrong_example_fails() -> None:
    with pytest.raises(AssertionError, match=r"Expected:\s+3\s+Got:\s+2"):
        examples.prompts(">>> 1 + 1\n3\n", {}, "wrong")


def test_an_example_that_raises_fails() -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        examples.prompts(">>> 1 / 0\n", {}, "raises")


def test_an_example_in_words_is_not_counted() -> None:
    assert examples.prompts("Nothing to see.", {}, "empty") == 0
