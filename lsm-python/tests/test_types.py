"""Types: the package and the tools are strict, and the stub says what the native module has."""

import subprocess
import sys
from pathlib import Path

import examples
import lsmdb
import pytest

CRATE = Path(__file__).resolve().parents[1]
PYPROJECT = CRATE / "pyproject.toml"
# What a stub cannot say alike for every version: buffers have a method in Python from 3.12 on, and
# pyo3 gives every module the list of its names.
EXCEPT = r"""
lsmdb\._native\.__all__
lsmdb\._native\.Value\.__buffer__
lsmdb\._native\.Value\.__release_buffer__
"""


# Where the package lies, beside its native part. Where that is not installed, mypy must be told.
FOLDER = Path(lsmdb.__file__).parents[1]
TOLD = {} if FOLDER.name == "site-packages" else dict.fromkeys(["MYPYPATH", "PYTHONPATH"], FOLDER)


def checked(*arguments: str | Path, cache: Path) -> str:
    """Runs a tool of mypy's and answers what it has found; nothing if all is well."""
    pytest.importorskip("mypy")
    settings = {**{name: str(value) for name, value in TOLD.items()}, "MYPY_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, env=settings, cwd=cache)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def test_the_package_is_strict(tmp_path: Path) -> None:
    config = ["--config-file", str(PYPROJECT), str(CRATE / "python" / "lsmdb")]
    assert checked("mypy", *config, cache=tmp_path) == ""


def test_the_tools_are_strict(tmp_path: Path) -> None:
    config = ["--config-file", str(PYPROJECT), str(CRATE / "tools")]
    assert checked("mypy", *config, cache=tmp_path) == ""


def test_the_stub_is_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "except").write_text(EXCEPT)
    lists = ["--allowlist", str(tmp_path / "except"), "--ignore-unused-allowlist"]
    # Older checkers do not know the decorator for it.
    more = ["--ignore-disjoint-bases", "--mypy-config-file", str(PYPROJECT)]
    found = checked("mypy.stubtest", "lsmdb._native", *lists, *more, cache=tmp_path)
    assert found == ""


PROGRAM = """\
from typing import assert_type

import lsmdb
from lsmdb import plyvel

with lsmdb.open("data") as db:
    assert_type(db, lsmdb.DB)
    assert_type(db[b"a"], bytes)
    assert_type(db[b"a":b"b"], lsmdb.Range)
    assert_type(db.get(b"a"), bytes | None)
    assert_type(db.get(bytearray(1), 7), bytes | int)
    assert_type(db.get_many([b"a"]), list[bytes | None])
    assert_type([pair for pair in db.items()], list[tuple[bytes, bytes]])
    assert_type(memoryview(db.get_value(b"a") or b""), memoryview)
    db.update({b"a": bytearray(1)})
    db.update(dict[bytes, memoryview]())
    db.update(db)
    db.put_many(db.keyspace("other")[b"a":b"b"])
    db.put_many([(memoryview(b"a"), bytearray(1))])
    db |= {b"a": bytearray(1)}
    db.update({"a": b"1"})  # E: text is not bytes
    db.update({b"a": 1})  # E: numbers neither
    db.update([b"a"])  # E: no pairs
    db["a"] = b"1"  # E: text is not bytes
    db.put(b"a", b"1", durability="never")  # E: no such word
    len(db)  # E: it has no length

with plyvel.DB("old") as old:
    assert_type(next(old.iterator()), tuple[bytes, bytes])
    assert_type(next(iter(old)), tuple[bytes, bytes])
    assert_type(next(old.iterator(prefix=b"a", include_value=False)), bytes)
    assert_type(old.snapshot().iterator(include_key=False).prev(), bytes)
    assert_type([pair for pair in old.prefixed_db(b"a")], list[tuple[bytes, bytes]])
"""


def test_the_guide_lends_values_as_strict_programs_do(tmp_path: Path) -> None:
    guide = CRATE.parent / "docs" / "python.md"
    if not guide.exists():
        pytest.skip("a source archive has no pages")
    lent = [text for _, text in examples.blocks(guide) if "get_value" in text]
    assert lent
    opened = "import lsmdb\n\ndb = lsmdb.open('data')\n"
    (tmp_path / "program.py").write_text(opened + "\n".join(lent))
    assert checked("mypy", "--strict", "program.py", cache=tmp_path) == ""


def test_programs_are_checked(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    found = checked("mypy", "--strict", "program.py", cache=tmp_path)
    errors = {line.split(":")[1] for line in found.splitlines() if ": error:" in line}
    lines = PROGRAM.splitlines()
    wanted = {str(number) for number, line in enumerate(lines, 1) if "# E:" in line}
    assert errors == wanted, found
