"""Edges where something was wrong once."""

import gc
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Literal

import lsmdb
import pytest
from lsmdb import dbm


def test_a_forgotten_database_is_closed_when_warnings_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: raised.append(told.exc_value))
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: raised.append(error))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lsmdb.open(tmp_path / "db")[b"k"] = b"v"
        gc.collect()
    assert [type(error) for error in raised] == [ResourceWarning]
    with lsmdb.open(tmp_path / "db") as db:
        assert db[b"k"] == b"v"


def test_a_database_forgotten_at_the_end_is_closed(tmp_path: Path) -> None:
    program = "import lsmdb; db = lsmdb.open('db'); db.put(b'k', b'v', durability='volatile')"
    command = [sys.executable, "-W", "error", "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "ResourceWarning: unclosed database" in ended.stderr
    with lsmdb.open(tmp_path / "db") as db:
        assert db[b"k"] == b"v"


def forgotten(told: list[warnings.WarningMessage]) -> list[tuple[str, int]]:
    gc.collect()
    return [(one.filename, one.lineno) for one in told if one.category is ResourceWarning]


def test_the_warning_names_the_line_that_opened(tmp_path: Path) -> None:
    class Own(lsmdb.DB):
        pass

    here = test_the_warning_names_the_line_that_opened.__code__.co_firstlineno
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for opens in (lsmdb.open, lsmdb.DB, Own):
            opens(tmp_path / "db")
            assert forgotten(told) == [(__file__, here + 8)]
            told.clear()
        dbm.open(tmp_path / "db", "c")
        assert forgotten(told) == [(__file__, here + 11)]


def test_the_warning_at_the_end_names_the_line_that_opened(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import lsmdb\n\n\ndb = lsmdb.open('db')\n\n")
    for how in ("default", "error"):
        command = [sys.executable, "-W", how, "program.py"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        if how == "default":
            assert "program.py:4: ResourceWarning: unclosed database" in ended.stderr
        else:
            assert "ResourceWarning: unclosed database" in ended.stderr
        with lsmdb.open(tmp_path / "db") as db:
            assert db.open_report["was_clean"]


def test_a_listener_that_cannot_be_called_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="the listener"):
        lsmdb.open(tmp_path / "new", listener=5)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()
    with lsmdb.open(tmp_path / "db") as db:
        db[b"k"] = b"v"
    with pytest.raises(TypeError, match="the listener"):
        lsmdb.open(tmp_path / "db", mode="n", listener="loud")  # type: ignore[arg-type]
    with lsmdb.open(tmp_path / "db", listener=None) as db:
        assert db[b"k"] == b"v"


def test_a_closed_database_is_not_entered(tmp_path: Path) -> None:
    db = lsmdb.open(tmp_path / "db")
    with db as entered:
        assert entered is db
    with pytest.raises(lsmdb.Closed, match="closed"), db:
        pytest.fail("entered")


@pytest.mark.parametrize("mode", ["c", "n", "r", "w", "x"])
@pytest.mark.parametrize("path", ["", b""])
def test_an_empty_path_is_refused(path: str | bytes, mode: Literal["c"]) -> None:
    with pytest.raises(lsmdb.InvalidArgument, match="empty") as raised:
        lsmdb.open(path, mode=mode)
    assert isinstance(raised.value, ValueError)
    assert type(raised.value) is lsmdb.InvalidArgument


def test_pop_takes_one_default_at_most(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db[b"k"] = b"v"
        with pytest.raises(TypeError, match="one default"):
            db.pop(b"k", b"", b"")
        assert db.pop(b"k", b"") == b"v"
        assert db.pop(b"k", None) is None
