"""One engine with one workload: all its images within a time, and what became of them."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import images
import lab
from disk import RULES, Disk
from engines import Engine, Workload
from images import Plan, Point
from lab import FINE, OUTCOMES, Answer, Deadline, Judge, Opener, Setup, Wanted

# Of the time, what is kept for second power cuts.
NESTED_SHARE = 0.3
NESTED_ROUNDS = 2


@dataclass
class Failure:
    """The first image of its kind, made small."""

    line: str
    outcome: str
    said: str
    details: list[str] = field(default_factory=list)
    count: int = 1


@dataclass
class Result:
    engine: str
    workload: str
    points: int = 0
    cases: int = 0
    nested: int = 0
    # For each set of rules: the worst outcome of each image, by its digest.
    outcomes: dict[str, dict[bytes, str]] = field(default_factory=lambda: {r: {} for r in RULES})
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    is_whole: bool = False

    def counts(self, rules: str) -> Counter:
        return Counter(self.outcomes[rules].values())


class Run:
    """Opens each image once: what must be there is compared anew at each crash point."""

    def __init__(self, engine: Engine, work: Workload, setup: Setup, out: Path):
        self.engine, self.work, self.setup, self.out = engine, work, setup, out
        self.judge = Judge(work)
        self.result = Result(engine.name, work.name)
        self.answers: dict[tuple, Answer] = {}
        # After each power cut the machine is another boot.
        self.openers = [Opener(engine, work, setup, boot) for boot in ("2", "3")]

    def answer(self, tree: dict[str, bytes | None], wanted: Wanted,
               is_repairing: bool = False) -> Answer:
        key = (images.digest(tree), wanted.depth, is_repairing)
        if key not in self.answers:
            self.answers[key] = self.openers[wanted.depth].open(tree, is_repairing)
        return self.answers[key]

    def outcome(self, tree: dict[str, bytes | None], wanted: Wanted) -> tuple[str, str]:
        outcome, said = self.judge.judge(self.answer(tree, wanted), wanted)
        if outcome == "closed" and self.engine.has_repair:
            again, _ = self.judge.judge(self.answer(tree, wanted, True), wanted)
            return ("repaired" if again == FINE else outcome), said
        return outcome, said

    def close(self) -> None:
        for opener in self.openers:
            opener.close()

    def try_one(self, point: Point, policy: str, wanted: Wanted, line: str) -> str:
        made = images.plan(point, policy)
        tree = lab.tree_of(point, made)
        outcome, said = self.outcome(tree, wanted)
        digest = images.digest(tree) + bytes([wanted.depth])
        self.result.cases += 1
        held = self.result.outcomes[point.rules]
        held[digest] = min(held.get(digest, FINE), outcome, key=OUTCOMES.index)
        if outcome != FINE:
            self._failed(point, made, wanted, Failure(line, outcome, said))
        return outcome

    def _failed(self, point: Point, made: Plan, wanted: Wanted, failure: Failure) -> None:
        key = (point.rules, failure.outcome)
        if known := self.result.failures.get(key):
            known.count += 1
            return
        self.result.failures[key] = failure

        def fails(plan: Plan) -> bool:
            return self.outcome(lab.tree_of(point, plan), wanted)[0] == failure.outcome

        word, small = images.smallest(point, made, fails)
        rest = "All else is there." if word == "missing" else "Nothing else that was not synced is."
        usual = ": kept" if word == "missing" else ": lost"
        told = [said for said in images.describe(point, small) if not said.endswith(usual)]
        failure.details = [*told, rest]

    def sweep(self, disk: Disk, deadline: Deadline, rules: tuple[str, ...] = RULES) -> None:
        """All crash points by rule, then again and again with seeds, until the time is over."""
        times = images.points(disk)
        self.result.points = len(times)
        seed = 0
        while not deadline.is_over():
            order = list(times)
            random.Random(seed).shuffle(order)
            for time in order:
                for rule in rules:
                    point = Point(disk, rule, time)
                    for policy in _policies(rule, seed):
                        line = f"{self.engine.name}/{self.work.name}/{rule}/@{time}/{policy}"
                        self.try_one(point, policy, lab.wanted(point, self.work), line)
                is_found = bool(self.setup.ignored and self.result.failures)
                if is_found or deadline.is_over():
                    return
            self.result.is_whole = True
            seed += 1

    def sweep_openings(self, disk: Disk, deadline: Deadline) -> None:
        """A second power cut, while an image is opened and written to again."""
        rng = random.Random("openings")
        times = images.points(disk)
        while not deadline.is_over():
            rule, time = rng.choice(RULES), rng.choice(times)
            policy = rng.choice(_policies(rule, rng.randint(0, 99)))
            self.nest(Point(disk, rule, time), policy, deadline)

    def nest(self, first: Point, policy: str, deadline: Deadline) -> None:
        tree = lab.tree_of(first, images.plan(first, policy))
        wanted = lab.wanted(first, self.work)
        answer = self.answer(tree, wanted)
        if self.judge.judge(answer, wanted)[0] != FINE:
            return
        out = self.out.with_suffix(".opening")
        disk = lab.record_opening(self.engine, self.work, self.setup, tree, out)
        seen = answer.rows.replace(lab.NEW_ROW, "")
        before = f"{self.engine.name}/{self.work.name}/{first.rules}/@{first.time}/{policy}"
        for time in images.points(disk):
            point = Point(disk, first.rules, time)
            is_told = any(at <= time for at, word, _ in disk.marks if word == "ack")
            then = Wanted(wanted.acked, wanted.begun, seen, is_told, 1)
            for seed in range(NESTED_ROUNDS):
                for policy_then in _policies(first.rules, seed):
                    line = f"{before}/then@{time}/{policy_then}"
                    self.try_one(point, policy_then, then, line)
                    self.result.nested += 1
            if deadline.is_over():
                return


def _policies(rule: str, seed: int) -> list[str]:
    """Those by rule the first time; then those with seeds."""
    seeded = [f"{name}:{seed}" for name in images.SEEDED]
    return [*images.RULED[rule], *seeded] if seed == 0 else seeded


def run(engine: Engine, work: Workload, setup: Setup, out: Path, seconds: float) -> Result:
    """Records the workload into `out`, and tries its images for so long."""
    disk = lab.record(engine, work, setup, out)
    found = Run(engine, work, setup, out)
    try:
        found.sweep(disk, Deadline(seconds * (1 - NESTED_SHARE)))
        if not setup.ignored:
            found.sweep_openings(disk, Deadline(seconds * NESTED_SHARE))
    finally:
        found.close()
    return found.result
