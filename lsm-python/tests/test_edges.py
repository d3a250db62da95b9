"""Edges where something was wrong once."""

import gc
import subprocess
import sys
import warnings
from pathlib import Path

import lsmdb
import pytest


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


def test_pop_takes_one_default_at_most(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path / "db") as db:
        db[b"k"] = b"v"
        with pytest.raises(TypeError, match="one default"):
            db.pop(b"k", b"", b"")
        assert db.pop(b"k", b"") == b"v"
        assert db.pop(b"k", None) is None
