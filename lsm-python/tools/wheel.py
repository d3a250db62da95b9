"""wheel.py FOLDER: builds the wheels of lsmdb for this machine into a folder.

One serves every CPython from 3.11 on; each free-threaded interpreter gets one of its own, because
there is no stable ABI for those yet. pyo3 knows them from 3.14 on.
"""

import subprocess
import sys
from pathlib import Path

import interpreters

CRATE = Path(__file__).resolve().parents[1]


def build(folder: Path, *arguments: str) -> None:
    """Runs maturin, from the environment that runs this file."""
    command = [sys.executable, "-m", "maturin", "build", "--release", "--locked"]
    place = ["--manifest-path", str(CRATE / "Cargo.toml"), "--out", str(folder)]
    subprocess.run([*command, *place, *arguments], check=True)


def main(folder: Path) -> None:
    build(folder)
    for one in interpreters.found():
        if one.free_threaded and one.version >= (3, 14):
            build(folder, "--no-default-features", "--interpreter", one.path)
    for wheel in sorted(folder.glob("*.whl")):
        print(f"{wheel}: {wheel.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
