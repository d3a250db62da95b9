"""The engines, how their programs are built, and the plans that they carry out."""

import os
import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "c"
TOP = HERE.parent.parent


@dataclass(frozen=True)
class Engine:
    """One engine in one mode. `header` is what must be there to build it."""

    name: str
    program: str
    mode: str
    settings: str
    header: str = ""
    library: str = ""
    package: str = ""
    # Its log for people, which is left out of images.
    skipped: tuple[str, ...] = ()
    # What it writes through mappings that the trace does not have, and makes anew by itself.
    unseen: tuple[str, ...] = ()
    has_windows: bool = False
    has_repair: bool = False


_SMALL = "memtable 8 KiB, log segments 4 KiB"
_BUFFER = "write buffer 64 KiB, no compression"
ENGINES = (
    Engine("lsm-write", "lsm", "write", f"durable, log by system calls, {_SMALL}"),
    Engine("lsm-mapped", "lsm", "mapped", f"durable, mapped log, {_SMALL}", has_windows=True),
    Engine("lsm-blobs", "lsm", "blobs", f"durable, values from 256 bytes apart, {_SMALL}"),
    Engine("leveldb", "leveldb", "sync", f"sync, {_BUFFER}", "leveldb/c.h", "leveldb",
           "libleveldb-dev", ("LOG",), has_repair=True),
    Engine("rocksdb", "rocksdb", "sync", f"sync, {_BUFFER}", "rocksdb/c.h", "rocksdb",
           "librocksdb-dev", ("LOG",), has_repair=True),
    Engine("lmdb", "lmdb", "sync", "no flags: synced, written by pwrite", "lmdb.h", "lmdb",
           "liblmdb-dev", (), ("lock.mdb",)),
    Engine("sqlite-wal", "sqlite", "wal",
           "journal_mode=WAL, synchronous=FULL, a checkpoint at 20 pages",
           "sqlite3.h", "sqlite3", "libsqlite3-dev", (), ("data.sqlite-shm",)),
    Engine("sqlite-rollback", "sqlite", "rollback", "journal_mode=DELETE, synchronous=EXTRA",
           "sqlite3.h", "sqlite3", "libsqlite3-dev"),
)


def named(names: str) -> list[Engine]:
    """Engines by name, or by the program's name for all its modes."""
    if not names:
        return list(ENGINES)
    found = []
    for name in names.split(","):
        some = [engine for engine in ENGINES if name in (engine.name, engine.program)]
        if not some:
            known = ", ".join(engine.name for engine in ENGINES)
            raise SystemExit(f"there is no engine {name}; there are {known}")
        found += some
    return found


def is_here(engine: Engine) -> bool:
    include = [Path("/usr/include"), Path("/usr/local/include")]
    return not engine.header or any((folder / engine.header).exists() for folder in include)


def _library() -> Path:
    """liblsm.so as it ships, where cargo puts it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target"))
    found = (TOP / target / "release" / "liblsm.so").resolve()
    if not found.exists():
        raise SystemExit(f"there is no {found}: cargo build --release -p lsm-capi")
    return found


def _cc(out: Path, *args: str) -> None:
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-O1", "-g", "-Wall", "-Wextra", "-o", str(out), *args], check=True)


def build(engine: Engine, folder: Path) -> Path:
    """Compiles the engine's program, and what is loaded before it."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / engine.program
    sources = [str(SOURCES / "driver.c"), str(SOURCES / f"{engine.program}.c")]
    flags = [f"-l{engine.library}"]
    if engine.program == "lsm":
        library = _library()
        version = re.search(r'^version = "(\d+\.\d+)', (TOP / "Cargo.toml").read_text(), re.M)
        for name in ("liblsm.so", f"liblsm.so.{version[1]}"):
            link = folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(library)
        flags = [f"-I{TOP / 'include'}", f"-L{folder}", "-llsm", f"-Wl,-rpath,{folder}"]
    if engine.program == "rocksdb":
        text = Path("/usr/include/rocksdb/version.h").read_text()
        numbers = re.findall(r"#define ROCKSDB_(?:MAJOR|MINOR|PATCH) (\d+)", text)
        flags.append(f'-DROCKSDB_VERSION="{".".join(numbers)}"')
    _cc(program, *sources, *flags, "-lpthread")
    return program


def build_world(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    _cc(folder / "world.so", "-shared", "-fPIC", str(SOURCES / "world.c"), "-ldl")
    return folder / "world.so"


# -- plans

Change = tuple[str, int, int, int]


@dataclass(frozen=True)
class Workload:
    """Commits, each a list of changes: ("put", key, number, length) or ("delete", key, 0, 0)."""

    name: str
    keys: int
    # How many commits are there, and durable, before the trace begins.
    before: int
    commits: list[list[Change]]
    # Behind which commits the engine is told to tidy up.
    churns: tuple[int, ...]

    def text(self, first: int, last: int) -> str:
        """The plan for commits `first` to `last`, as driver.c reads it."""
        lines = []
        for commit in range(first, last + 1):
            lines.append(f"begin {commit}")
            for verb, key, number, length in self.commits[commit - 1]:
                lines.append(f"put {key} {number} {length}" if verb == "put" else f"delete {key}")
            lines.append("commit")
            if commit in self.churns:
                lines.append("churn")
        return "".join(line + "\n" for line in lines)

    def states(self) -> dict[str, list[int]]:
        """What a scan prints after each number of commits; the same text can come of several."""
        held: dict[int, int] = {}
        found: dict[str, list[int]] = {"": [0]}
        for commit, changes in enumerate(self.commits, 1):
            for verb, key, number, _ in changes:
                if verb == "put":
                    held[key] = number
                else:
                    held.pop(key, None)
            text = "".join(f"key-{key:06} {held[key]}\n" for key in sorted(held))
            found.setdefault(text, []).append(commit)
        return found


def _plan(name: str, keys: int, commits: int, before: int, sizes: tuple[int, int], batch: int,
          churns: tuple[int, ...] = ()) -> Workload:
    rng = random.Random(name)
    made, held = [], set()
    for commit in range(1, commits + 1):
        changes: list[Change] = []
        for place, key in enumerate(rng.sample(range(keys), rng.randint(1, batch))):
            if key in held and rng.random() < 0.25:
                changes.append(("delete", key, 0, 0))
                held.discard(key)
            else:
                length = rng.randint(*sizes)
                changes.append(("put", key, commit * 100 + place, length))
                held.add(key)
        made.append(changes)
    return Workload(name, keys, before, made, churns)


WORKLOADS = (
    # From no directory at all.
    _plan("fresh", 5, 10, 0, (40, 400), 2, (6,)),
    # One change for each commit: puts, overwrites, deletes.
    _plan("puts", 24, 70, 15, (40, 900), 1, (45,)),
    # Several changes for each commit, all or none of which may be there.
    _plan("batches", 40, 40, 10, (40, 700), 10, (25,)),
    # So much that buffers fill, logs change and tables are merged by themselves.
    _plan("large", 60, 60, 10, (3000, 12000), 2),
)


def workload(name: str) -> Workload:
    return next(found for found in WORKLOADS if found.name == name)
