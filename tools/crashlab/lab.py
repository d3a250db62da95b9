"""Runs a workload under strace, and the engine's own opening on the images that come of it."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import images
import trace
from disk import Disk, read_tree, write_tree
from engines import Engine, Workload
from images import Plan, Point

FINE = "fine"
# From what hurts most to what hurts least.
OUTCOMES = ("wrong", "hole", "lost", "closed", "check", "stuck", "died", "repaired", FINE)
MEANING = {
    "wrong": "shows what was never written",
    "hole": "shows a state that never was: a later write without an earlier one, or half a batch",
    "lost": "an acknowledged write is not there",
    "closed": "does not open",
    "check": "opens, but a read or the engine's own check fails",
    "stuck": "opens, but takes no new write that lasts",
    "died": "the program crashed or hung",
    "repaired": "does not open until the engine's own repair; then every promise is kept",
    FINE: "every promise kept",
}
# It takes milliseconds; on a busy machine a hundred times as long.
SECONDS_FOR_AN_IMAGE = 60


@dataclass
class Answer:
    """What the engine's own opening found in an image."""

    status: int = 0
    rows: str | None = None
    step: str = ""
    message: str = ""


@dataclass
class Setup:
    """What one run needs: the program, what is loaded before it, room for files, and leave to
    pass over syncs."""

    program: Path
    world: Path
    scratch: Path
    ignored: tuple[str, ...] = ()


def _environment(setup: Setup, boot: str, has_windows: bool = False) -> dict[str, str]:
    """The world of one boot of the machine: boot "1" has the number 00000001-..."""
    number = setup.scratch / f"boot-{boot}"
    number.write_text(f"{int(boot):08d}-0000-4000-8000-000000000000\n")
    env = {"LD_PRELOAD": str(setup.world), "CRASHLAB_BOOT_ID": str(number)}
    return env | ({"CRASHLAB_WINDOWS": "1"} if has_windows else {})


def record(engine: Engine, work: Workload, setup: Setup, out: Path) -> Disk:
    """Carries a plan out: what comes before untraced, the rest traced into `out`."""
    place = setup.scratch / "work"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    env = _environment(setup, "1", engine.has_windows)
    last = len(work.commits)
    for first, end, traced in ((1, work.before, False), (work.before + 1, last, True)):
        if end < first:
            continue
        if traced:
            base = read_tree(place)
            shutil.rmtree(out.with_suffix(".base"), ignore_errors=True)
            shutil.copytree(place, out.with_suffix(".base"))
        plan = setup.scratch / "plan"
        plan.write_text(work.text(first, end))
        command = [str(setup.program), "work", engine.mode, str(plan)]
        _run(command, env, place, out if traced else None)
    out.with_suffix(".root").write_text(str(place))
    disk = follow(engine, out, place, base, setup.ignored)
    _compare(engine, disk, place)
    if engine.has_windows and not disk.has_windows:
        raise trace.TraceError(f"{engine.name}: no store through a mapping was told of")
    return disk


def _run(command: list[str], env: dict[str, str], place: Path, out: Path | None) -> None:
    if out is not None:
        given = [f"-E{name}={value}" for name, value in env.items()]
        command = [*trace.STRACE, *given, "-o", str(out), *command]
        env = {}
    env = os.environ | env
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, timeout=600)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")[-600:]
        raise SystemExit(f"{command[-4:]} failed with {done.returncode}: {said}")


def follow(engine: Engine, out: Path, place: Path, base: dict, ignored: tuple = ()) -> Disk:
    with open(out, encoding="ascii", errors="replace") as lines:
        return Disk(place, base, ignored, engine.skipped).follow(trace.read(lines))


def load(engine: Engine, out: Path, ignored: tuple = ()) -> Disk:
    """A trace that was recorded before."""
    if not out.exists():
        raise SystemExit(f"there is no {out}: run this engine with this workload first")
    place = Path(out.with_suffix(".root").read_text())
    return follow(engine, out, place, read_tree(out.with_suffix(".base")), ignored)


def _compare(engine: Engine, disk: Disk, place: Path) -> None:
    """What the trace makes of the directory is what lies there, or nothing would be proved."""
    said, there = disk.tree(), read_tree(place)
    for path in sorted(said | there):
        if any(path.endswith(name) for name in engine.unseen) or disk.is_skipped(path):
            continue
        if path not in said or path not in there or said[path] != there[path]:
            raise trace.TraceError(f"{engine.name}: {path} is not what the trace says")


class Opener:
    """A process that opens images, each in a child of its own."""

    def __init__(self, engine: Engine, work: Workload, setup: Setup, boot: str = "2"):
        self.place = setup.scratch / f"images-{boot}"
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        limit = str(SECONDS_FOR_AN_IMAGE)
        command = [str(setup.program), "serve", engine.mode, str(work.keys), limit]
        env = os.environ | _environment(setup, boot)
        pipe = subprocess.PIPE
        self.errors = open(setup.scratch / "stderr", "w")
        self.process = subprocess.Popen(
            command, env=env, stdin=pipe, stdout=pipe, stderr=self.errors, text=True
        )
        self.count = 0

    def open(self, tree: dict[str, bytes | None], is_repairing: bool = False) -> Answer:
        self.count += 1
        folder = self.place / str(self.count)
        folder.mkdir()
        write_tree(folder, tree)
        self.process.stdin.write(f"{'!' if is_repairing else ''}{folder}\n")
        self.process.stdin.flush()
        answer = self._read()
        shutil.rmtree(folder, ignore_errors=True)
        return answer

    def _read(self) -> Answer:
        answer, has_rows = Answer(), False
        for line in self.process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "end":
                answer.status = int(rest)
                return answer
            if word == "step":
                answer.step, has_rows = rest, False
            elif word == "fail":
                answer.step, _, answer.message = rest.partition(" ")
            elif word == "rows":
                answer.rows, has_rows = "", True
            elif has_rows:
                answer.rows += line
        raise SystemExit("the process that opens images has ended")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


NEW_ROW = "written-afterwards 999999\n"


@dataclass
class Judge:
    """Knows what every number of commits looks like."""

    work: Workload
    states: dict[str, list[int]] = field(default_factory=dict)
    written: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.states = self.work.states()
        for commit, changes in enumerate(self.work.commits, 1):
            for _, key, number, _ in changes:
                self.written[f"key-{key:06}", str(number)] = commit

    def judge(self, answer: Answer, wanted: "Wanted") -> tuple[str, str]:
        """The outcome, and in words what is wrong."""
        if answer.status < 0:
            how = "hung" if answer.status == -14 else f"was ended by signal {-answer.status}"
            return "died", f"it {how} at step {answer.step}"
        if answer.rows is None:
            outcome = "closed" if answer.step == "open" else "check"
            return outcome, f"step {answer.step}: {answer.message}"
        rows = answer.rows.replace(NEW_ROW, "")
        has_new = rows != answer.rows
        outcome, said = self._rows(rows, wanted)
        if outcome == FINE and wanted.must_have_new and not has_new:
            return "lost", "the write after the recovery is not there"
        if outcome == FINE and has_new and wanted.seen is not None and rows != wanted.seen:
            return "hole", "the write after the recovery is there, and what it stood on is not"
        if outcome == FINE and answer.status:
            outcome = "check" if answer.step in ("scan", "read", "verify") else "stuck"
            said = f"step {answer.step}: {answer.message}"
        return outcome, said

    def _rows(self, rows: str, wanted: "Wanted") -> tuple[str, str]:
        after = self.states.get(rows, [])
        if any(wanted.acked <= commit <= wanted.begun for commit in after):
            return FINE, ""
        said = f"{wanted.acked} commits were acknowledged and {wanted.begun} begun"
        if after:
            outcome = "lost" if min(after) < wanted.acked else "wrong"
            return outcome, f"{said}, and {min(after)} are there"
        for line in rows.splitlines():
            key, _, number = line.partition(" ")
            if self.written.get((key, number), wanted.begun + 1) > wanted.begun:
                return "wrong", f"{said}, and this row is none of them: {line}"
        return "hole", f"{said}, and what is there was never so"


@dataclass(frozen=True)
class Wanted:
    """What an image must show: at least the acknowledged commits, at most those begun."""

    acked: int
    begun: int
    # For a second power cut: what the first opening showed, and whether its own write was told.
    seen: str | None = None
    must_have_new: bool = False
    # How many power cuts there were before this one.
    depth: int = 0


def wanted(point: Point, work: Workload) -> Wanted:
    return Wanted(max(point.acked, work.before), max(point.begun, work.before))


def record_opening(engine: Engine, work: Workload, setup: Setup, tree: dict, out: Path) -> Disk:
    """Traces the opening of an image, for a second power cut."""
    place = setup.scratch / "opening"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    write_tree(place, tree)
    env = _environment(setup, "2", engine.has_windows)
    given = [f"-E{name}={value}" for name, value in env.items()]
    command = [str(setup.program), "check", engine.mode, str(work.keys)]
    subprocess.run([*trace.STRACE, *given, "-o", str(out), *command], cwd=place,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    disk = follow(engine, out, place, tree, setup.ignored)
    return disk


class Deadline:
    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds

    def is_over(self) -> bool:
        return time.monotonic() >= self.end


def tree_of(point: Point, made: Plan) -> dict[str, bytes | None]:
    """The image of a plan, without logs for people."""
    tree = images.build(point, made)
    return {path: held for path, held in tree.items() if not point.disk.is_skipped(path)}
