"""The programs of examples/python print what examples/expected has under their names."""

import os
import subprocess
import sys
from pathlib import Path

import lsmdb
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = sorted((EXAMPLES / "python").glob("*.py"))
# Where this lsmdb lies, for those who test it without installing it.
ENV = os.environ | {"PYTHONPATH": str(Path(lsmdb.__file__).absolute().parents[1])}


def run(program, *arguments):
    command = [sys.executable, "-X", "dev", "-W", "error", str(program), *map(str, arguments)]
    return subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60)


def test_there_are_programs():
    assert len(PROGRAMS) >= 6


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_it_prints_what_is_expected(program, tmp_path):
    done = run(program, tmp_path / "data")
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout == (EXAMPLES / "expected" / f"{program.stem}.txt").read_text()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_it_is_listed(program):
    assert f"(python/{program.name})" in (EXAMPLES / "README.md").read_text()
