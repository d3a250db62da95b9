#!/usr/bin/env python3
"""crashlab: the images that a power cut could leave, for engines that no one here wrote.

    crashlab.py run [--engines=A,B] [--workloads=A,B] [--seconds=N] [--write=PAGE]     the table
    crashlab.py quick [--seconds=N]       this library alone, and whether faults would be found
    crashlab.py show IMAGE [--keep=DIR]   one image again, by the line that a failure prints
    crashlab.py list                      engines and workloads

docs/crashlab.md says how it works and what came of it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import engines
import report
import run
import show
from engines import WORKLOADS, Engine
from lab import FINE, Setup
from run import Result

OUT = Path(os.environ.get("CRASHLAB_OUT", engines.TOP / "target" / "crashlab"))
# What a planted fault may take until it is found; it takes a second or two.
PLANTED_SECONDS = 120
# Syncs that do nothing, how the names of their files end, and what must show it.
PLANTED = (
    ("every sync of a log segment", ".wal", "lsm-write", "puts"),
    ("every sync of a mapped log segment", ".wal", "lsm-mapped", "puts"),
    ("every sync of the directory", "db", "lsm-write", "puts"),
    ("every sync of a table", ".sst", "lsm-write", "puts"),
    ("every sync of a manifest", ".manifest", "lsm-write", "puts"),
    ("every sync of a file of large values", ".blob", "lsm-blobs", "batches"),
)


def scratch_folder() -> Path:
    """Room for images: in memory where there is some, for many are written and thrown away."""
    memory = Path("/dev/shm")
    room = os.environ.get("CRASHLAB_SCRATCH") or (memory if os.access(memory, os.W_OK) else None)
    return Path(tempfile.mkdtemp(prefix="crashlab-", dir=room))


def _task(engine: Engine, name: str, scratch: Path, seconds: float,
          ignored: tuple[str, ...] = ()) -> Result:
    work = engines.workload(name)
    place = Path(tempfile.mkdtemp(prefix=f"{engine.name}-{name}-", dir=scratch))
    setup = Setup(OUT / engine.program, OUT / "world.so", place, ignored)
    trace = (place if ignored else OUT) / f"{engine.name}-{name}.trace"
    try:
        return run.run(engine, work, setup, trace, seconds)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run_all(chosen: list[Engine], names: list[str], seconds: float, jobs: int) -> list[Result]:
    """Every workload on every engine, some at a time; each gets the same share of the time."""
    tasks = [(engine, name) for engine in chosen for name in names]
    share = seconds * jobs / len(tasks)
    scratch = scratch_folder()
    results = []
    try:
        with ProcessPoolExecutor(jobs) as pool:
            waiting = [pool.submit(_task, engine, name, scratch, share) for engine, name in tasks]
            for future in waiting:
                results.append(future.result())
                _tell(results[-1])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return results


def _tell(result: Result) -> None:
    images = sum(len(held) for held in result.outcomes.values())
    bad = sum(count for rules in result.outcomes for name, count in result.counts(rules).items()
              if name != FINE)
    print(f"{result.engine} {result.workload}: {result.points} crash points, {result.cases} cases, "
          f"{images} images, {bad} of them not fine", flush=True)
    for (rules, outcome), failure in result.failures.items():
        print(f"  {outcome}, by the rules {rules}: {failure.line}\n    {failure.said}")
        for detail in failure.details:
            print(f"    {detail}")


def _build(chosen: list[Engine]) -> dict[str, str]:
    """Builds what is needed; the version of each engine."""
    engines.build_world(OUT)
    versions = {}
    for engine in chosen:
        program = engines.build(engine, OUT)
        done = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
        versions[engine.name] = done.stdout.strip()
    return versions


def run_command(args: argparse.Namespace) -> int:
    chosen = engines.named(args.engines)
    for engine in [engine for engine in chosen if not engines.is_here(engine)]:
        print(f"{engine.name} is left out: apt-get install {engine.package}")
        chosen.remove(engine)
    versions = _build(chosen)
    names = args.workloads.split(",") if args.workloads else [work.name for work in WORKLOADS]
    results = _run_all(chosen, names, args.seconds, args.jobs)
    given = f" ENGINE={args.engines}" if args.engines else ""
    command = f"make crashlab SECONDS={args.seconds:g}{given}"
    text = report.summary(results, chosen, versions, command)
    print(f"\n{text}")
    if args.write:
        report.write(Path(args.write), text)
    ours = [result for result in results if result.engine.startswith("lsm-")]
    return 1 if any(result.failures for result in ours) else 0


def quick_command(args: argparse.Namespace) -> int:
    """This library must be fine throughout, and with syncs that do nothing it must not be."""
    chosen = engines.named("lsm")
    _build(chosen)
    names = ["fresh", "puts", "batches", "large"]
    results = _run_all(chosen, names, args.seconds, args.jobs)
    checks = [(f"{result.engine} {result.workload}", not result.failures) for result in results]
    checks += _planted(args.jobs)
    for name, is_good in checks:
        print(f"{'ok' if is_good else 'FAILED'}: {name}")
    failed = sum(not is_good for _, is_good in checks)
    for result in results:
        for failure in result.failures.values():
            print(f"again: tools/crashlab/crashlab.py show {failure.line}")
    word = "FAILED" if failed else "ok"
    print(f"test result: {word}. {len(checks) - failed} passed; {failed} failed;")
    return 1 if failed else 0


def _planted(jobs: int) -> list[tuple[str, bool]]:
    scratch = scratch_folder()
    try:
        with ProcessPoolExecutor(jobs) as pool:
            waiting = []
            for name, ends, engine, work in PLANTED:
                chosen = engines.named(engine)[0]
                task = pool.submit(_task, chosen, work, scratch, PLANTED_SECONDS, (ends,))
                waiting.append((f"{name} does nothing, and that is found", task))
            return [(name, bool(task.result().failures)) for name, task in waiting]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def show_command(args: argparse.Namespace) -> int:
    name = args.image.split("/")[0]
    engine = engines.named(name)[0]
    _build([engine])
    scratch = scratch_folder()
    try:
        setup = Setup(OUT / engine.program, OUT / "world.so", scratch)
        keep = Path(args.keep) if args.keep else None
        return show.show(args.image, engine, setup, OUT, keep) != FINE
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def list_command(_: argparse.Namespace) -> int:
    for engine in engines.ENGINES:
        here = "" if engines.is_here(engine) else f" (not here: {engine.package})"
        print(f"{engine.name}: {engine.settings}{here}")
    for work in WORKLOADS:
        print(f"{work.name}: {len(work.commits)} commits over {work.keys} keys, "
              f"{work.before} of them before the trace")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, dest="command")
    # An opening hands work from thread to thread, and leaves processors idle meanwhile.
    jobs = 2 * (os.cpu_count() or 1)
    for name, function, seconds in (("run", run_command, 600), ("quick", quick_command, 30)):
        command = commands.add_parser(name)
        command.add_argument("--seconds", type=float, default=seconds)
        command.add_argument("--jobs", type=int, default=jobs)
        command.set_defaults(function=function)
        if name == "run":
            command.add_argument("--engines", default="")
            command.add_argument("--workloads", default="")
            command.add_argument("--write", default="")
    command = commands.add_parser("show")
    command.add_argument("image")
    command.add_argument("--keep", default="")
    command.set_defaults(function=show_command)
    commands.add_parser("list").set_defaults(function=list_command)
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    return args.function(args)


if __name__ == "__main__":
    sys.exit(main())
