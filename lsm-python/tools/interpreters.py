"""Which CPythons of 3.11 and newer this machine has: on the path, and where pyenv keeps them.

Prints a line for each; other tools import `found`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OLDEST = (3, 11)
NAME = re.compile(r"python3\.\d\dt?")
# What an interpreter says of itself.
ASK = """
import json, platform, sys, sysconfig
print(json.dumps([sys._base_executable, platform.python_implementation(), sys.version_info[:3],
                  bool(sysconfig.get_config_var("Py_GIL_DISABLED"))]))
"""


class Interpreter(NamedTuple):
    """One CPython, as it describes itself."""

    version: tuple[int, int, int]
    free_threaded: bool
    path: str

    @property
    def name(self) -> str:
        """Its version as in the names of wheels: 3.13.0, or 3.13.0t without the GIL."""
        return ".".join(map(str, self.version)) + "t" * self.free_threaded


def found() -> list[Interpreter]:
    """The interpreters of this machine, the oldest first: of each minor version its newest."""
    asked = [one for path in _candidates() if (one := _ask(path)) and one.version >= OLDEST]
    newest = {(one.version[:2], one.free_threaded): one for one in sorted(asked)}
    return sorted(newest.values())


def _candidates() -> Iterator[Path]:
    folders = [Path(folder) for folder in os.get_exec_path()]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders += sorted(pyenv.glob("versions/*/bin"))
    yield Path(sys.executable)
    for folder in folders:
        if folder.is_dir():
            yield from (path for path in folder.iterdir() if NAME.fullmatch(path.name))


def _ask(path: Path) -> Interpreter | None:
    """None of what does not start, such as a shim of a version that is not chosen here."""
    command = [str(path), "-I", "-c", ASK]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    executable, implementation, version, free_threaded = json.loads(answer.stdout)
    if implementation != "CPython" or not executable:
        return None
    return Interpreter(tuple(version), free_threaded, executable)


if __name__ == "__main__":
    for one in found():
        print(one.name, one.path)
