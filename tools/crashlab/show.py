"""One image again, by its line: what was kept of it, what the engine says, and the files."""

import shutil
from pathlib import Path

import images
import lab
from disk import write_tree
from engines import Engine, workload
from images import Point
from lab import Judge, Opener, Setup, Wanted

LAST_LINES = 12


def show(line: str, engine: Engine, setup: Setup, out: Path, keep: Path | None) -> str:
    """Opens the image that a line names, from the trace in `out`; the outcome.

    For a second power cut the opening is traced anew, which can come out otherwise if the engine
    has threads.
    """
    parts = line.split("/")
    work, rules = workload(parts[1]), parts[2]
    disk = lab.load(engine, out / f"{engine.name}-{work.name}.trace", setup.ignored)
    point = Point(disk, rules, int(parts[3].lstrip("@")))
    wanted = lab.wanted(point, work)
    opener = Opener(engine, work, setup)
    outcome = _look(point, parts[4], wanted, opener, work)
    tree = lab.tree_of(point, images.plan(point, parts[4]))
    if len(parts) <= 5:
        opener.close()
    else:
        seen = (opener.open(tree).rows or "").replace(lab.NEW_ROW, "")
        opener.close()
        print("\nThe opening is cut off in its turn:")
        disk = lab.record_opening(engine, work, setup, tree, out / "show.trace")
        time = int(parts[5].removeprefix("then@"))
        point = Point(disk, rules, time)
        opener = Opener(engine, work, setup, "3")
        is_told = any(at <= time for at, word, _ in disk.marks if word == "ack")
        then = Wanted(wanted.acked, wanted.begun, seen, is_told, 1)
        outcome = _look(point, parts[6], then, opener, work)
        tree = lab.tree_of(point, images.plan(point, parts[6]))
        opener.close()
    if keep is not None:
        shutil.rmtree(keep, ignore_errors=True)
        keep.mkdir(parents=True)
        write_tree(keep, tree)
        print(f"the image is in {keep}")
    return outcome


def _look(point: Point, policy: str, wanted: Wanted, opener: Opener, work) -> str:
    made = images.plan(point, policy)
    print(f"The last changes before line {point.time} of the trace:")
    for op in point.issued[-LAST_LINES:]:
        synced = op.durable.get(point.rules, point.time + 1) <= point.time
        said = images.describe_op(point.disk, op)
        print(f"  line {op.time}: {said}{', durable' if synced else ''}")
    print("What was pending, and what there is of it:")
    for said in images.describe(point, made):
        print(f"  {said}")
    answer = opener.open(lab.tree_of(point, made))
    outcome, said = Judge(work).judge(answer, wanted)
    print(f"commits: {wanted.acked} acknowledged, {wanted.begun} begun")
    print(f"{outcome}: {lab.MEANING[outcome]}. {said}")
    return outcome
