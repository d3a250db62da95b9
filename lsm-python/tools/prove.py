"""prove.py FOLDER: what is given to users installs and works, on every CPython of this machine.

Builds the wheels and the source archive. The archive must build with an empty cargo home and no
network. The wheel must import in an environment that has nothing else, and pass the tests in one
that has what tests need. The extension must compile for an interpreter without a global lock, whether
or not there is one here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import interpreters
import sdist
import wheel

CRATE = Path(__file__).resolve().parents[1]
# Optimising takes most of a build's time, and what is proved here is that it builds.
QUICK = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
}
# Tests that mostly wait: for a signal, for other threads, for a time to pass.
PATIENT = "test_threads.py"
# What pyo3 needs to know of an interpreter that is not here.
WITHOUT_LOCK = """\
implementation=CPython
version=3.14
shared=true
build_flags=Py_GIL_DISABLED
pointer_width=64
suppress_build_script_link_lines=true
"""
# Every module of the package, without anything that is optional.
IMPORT = """
import importlib, pkgutil, lsmdb
names = [module.name for module in pkgutil.walk_packages(lsmdb.__path__, "lsmdb.")]
for name in names:
    importlib.import_module(name)
print("lsmdb", lsmdb.__version__, "imports:", *names)
"""


def run(
    *command: str | Path, more: Mapping[str, str] | None = None, log: IO[str] | None = None
) -> None:
    """Runs a command, with a few more words in its environment; its failure is ours."""
    env = os.environ | (more or {})
    errors = None if log is None else subprocess.STDOUT
    subprocess.run(command, check=True, env=env, stdout=log, stderr=errors)


def fresh(folder: Path) -> Path:
    """An empty folder in place of whatever was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def environment(interpreter: str, folder: Path, log: IO[str] | None = None) -> Path:
    """Makes a virtual environment without pip, and answers its interpreter."""
    run(interpreter, "-m", "venv", "--clear", "--without-pip", folder, log=log)
    return folder / "bin" / "python"


def install(python: Path, *what: str | Path, log: IO[str] | None = None) -> None:
    """Lets the pip of this environment install into another one."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--only-binary", ":all:", *what, log=log)


def offline(archive: Path, folder: Path) -> None:
    """Builds a wheel from the source archive alone, and imports it."""
    home = fresh(folder / "cargo")
    out = fresh(folder / "offline")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"]
    nothing = {"CARGO_HOME": str(home), "CARGO_NET_OFFLINE": "true", **QUICK}
    nothing["CARGO_TARGET_DIR"] = str(folder / "build")
    nothing["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    alone = ["--no-index", "--no-cache-dir", "--no-deps", "--no-build-isolation"]
    run(*pip, *alone, "--wheel-dir", out, archive, more=nothing)
    python = environment(sys.executable, folder / "bare")
    install(python, "--no-index", *out.glob("*.whl"))
    run(python, "-I", "-c", IMPORT)
    print("The source archive builds without a network.", flush=True)


def compile_without_lock(folder: Path) -> None:
    """Compiles the extension as a free-threaded interpreter would have it."""
    told = folder / "interpreter.txt"
    told.write_text(WITHOUT_LOCK)
    place = ["--manifest-path", str(CRATE / "Cargo.toml"), "--target-dir", str(folder / "check")]
    features = ["--no-default-features", "--features", "json"]
    check = ["cargo", "check", "--locked", "--quiet", *features, *place]
    run(*check, more={"PYO3_CONFIG_FILE": str(told), "RUSTFLAGS": "-D warnings"})
    print("The extension compiles for an interpreter without a global lock.", flush=True)


def try_on(one: interpreters.Interpreter, dist: Path, folder: Path, *left_out: str) -> bool:
    """Tries the wheel on one interpreter, and answers whether it works there."""
    said = folder / f"{one.name}.txt"
    with said.open("w") as log:
        try:
            install_and_test(one, dist, folder, log, *left_out)
            failure = None
        except subprocess.CalledProcessError as error:
            failure = error
    # What two said at the same time stands one behind the other.
    print(f"CPython {one.name}: {one.path}\n{said.read_text()}", flush=True)
    if failure:
        print(f"CPython {one.name}: {failure}", file=sys.stderr, flush=True)
    return failure is None


def install_and_test(
    one: interpreters.Interpreter, dist: Path, folder: Path, log: IO[str], *left_out: str
) -> None:
    """Installs the wheel where nothing else is, then runs the tests beside what they need."""
    wheels = ["--no-index", "--no-cache-dir", "--find-links", str(dist), "lsmdb"]
    bare = environment(one.path, folder / f"{one.name}-bare", log)
    install(bare, *wheels, log=log)
    run(bare, "-I", "-c", IMPORT, log=log)
    python = environment(one.path, folder / one.name, log)
    install(python, "--requirement", CRATE / "tests" / "requirements.txt", log=log)
    install(python, *wheels, log=log)
    debug = {"PYTHONMALLOC": "debug", "PYTHONDONTWRITEBYTECODE": "1"}
    tests = CRATE / "tests"
    ignored = [f"--ignore={tests / name}" for name in left_out]
    run(python, "-P", "-X", "dev", "-m", "pytest", "-q", *ignored, tests, more=debug, log=log)


def main(folder: Path) -> list[str]:
    """Answers the names of the interpreters on which something is wrong."""
    dist = fresh(folder / "dist")
    found = interpreters.found()
    print("CPythons on this machine:", ", ".join(one.name for one in found), flush=True)
    wheel.main(dist)
    sdist.main(dist)
    (archive,) = dist.glob("*.tar.gz")
    offline(archive, folder)
    compile_without_lock(folder)
    # Two at a time: the tests of one rarely have work for two processors.
    # What waits for minutes is tried on the newest; `make python` has tried it on the oldest.
    with ThreadPoolExecutor(2) as pool:
        left_out = [() if one is found[-1] else (PATIENT,) for one in found]
        works = list(pool.map(lambda one, out: try_on(one, dist, folder, *out), found, left_out))
    return [one.name for one, does_work in zip(found, works, strict=True) if not does_work]


if __name__ == "__main__":
    if failed := main(Path(sys.argv[1]).resolve()):
        sys.exit("The wheel does not pass on CPython " + ", ".join(failed))
