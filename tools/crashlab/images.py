"""The images that a power cut can leave: which pending changes are kept, and what comes of it.

A plan for an image says for each pending change which part of it is there. The policies make such
plans: some by rule, some by a seed. `smallest` takes out of a plan what a failure does not need.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from disk import EXT4, STRICT, Disk, Op, walk

SECTOR = 512
BLOCK = 4096
RULED = {
    STRICT: ("synced", "everything", "meta", "size:0", "size:1", "size:2"),
    EXT4: ("synced", "everything", "meta"),
}
SEEDED = ("ordered", "reorder")


@dataclass(frozen=True)
class Part:
    """Which part of a write is there: its length up to some byte, and its sectors.

    `sectors` says of each sector, by its number in the file, what is where bytes were changing;
    what it does not name is as `rest` says. "new" and "old" are what they say, "torn" is new in
    the front half, "zero" and "junk" are what a medium may leave of what was being written.
    """

    grows_to: int | None = None
    rest: str = "new"
    sectors: dict = field(default_factory=dict, hash=False, compare=False)


ALL = Part()
NOTHING = Part(grows_to=0, rest="old")
Plan = dict[int, Part]


class Point:
    """The moment behind line `time` of a trace: what is durable, and what is pending."""

    def __init__(self, disk: Disk, rules: str, time: int):
        self.disk, self.rules, self.time = disk, rules, time
        issued = [op for op in disk.ops if op.time <= time]
        self.issued = issued
        self.pending = [op for op in issued if op.durable.get(rules, time + 1) > time]
        self.acked = max((int(n) for at, word, n in disk.marks
                          if at <= time and word == "ack" and n != "new"), default=0)
        self.begun = max((int(n) for at, word, n in disk.marks
                          if at <= time and word == "begin"), default=0)
        self.new = any(at <= time and n == "new" for at, _, n in disk.marks)


def points(disk: Disk) -> list[int]:
    """Every moment that differs from the one before: behind a change, a sync, an answer."""
    acks = [at for at, word, _ in disk.marks if word == "ack"]
    return sorted({op.time for op in disk.ops} | set(disk.syncs) | set(acks) | {0})


# -- policies

def plan(point: Point, policy: str) -> Plan:
    """What a policy keeps. A seed stands behind a colon."""
    name, _, seed = policy.partition(":")
    rng = random.Random(f"{point.time} {policy}")
    made: Plan = {}
    if name == "everything":
        made = {op.number: ALL for op in point.pending}
    elif name == "meta":
        journaled = (lambda op: op.is_journaled) if point.rules == EXT4 else (lambda op: op.is_name)
        made = {op.number: ALL for op in point.pending if journaled(op)}
    elif name == "size":
        fill = ("old", "zero", "junk")[int(seed) % 3]
        made = {op.number: ALL if op.kind != "write" else Part(rest=fill) for op in point.pending}
    elif name == "ordered":
        made = _ordered(point, rng)
    elif name == "reorder":
        made = _reorder_ext4(point, rng) if point.rules == EXT4 else _reorder(point, rng)
    elif name != "synced":
        raise ValueError(f"there is no policy {policy}")
    return _settle(point, made) if point.rules == EXT4 else made


def _ordered(point: Point, rng: random.Random) -> Plan:
    """All up to one change, and a part of that one."""
    if not point.pending:
        return {}
    cut = rng.randrange(len(point.pending))
    made = {op.number: ALL for op in point.pending[:cut]}
    last = point.pending[cut]
    if point.rules == EXT4 and last.is_growing:
        return made | _append_part(last, rng)
    if last.kind == "write":
        first, count = _sectors(last)
        kept = rng.randrange(count)
        torn = {first + kept: "torn"} if point.rules == STRICT else {}
        new = {first + at: "new" for at in range(kept)}
        end = min((first + kept) * SECTOR, last.at + len(last.data))
        made[last.number] = Part(end + (SECTOR // 2 if torn else 0), "old", new | torn)
    return made


def _sectors(op: Op) -> tuple[int, int]:
    first = op.at // SECTOR
    return first, (op.at + len(op.data) - 1) // SECTOR - first + 1


def _reorder(point: Point, rng: random.Random) -> Plan:
    """Each name, length and sector is there or not, whatever the others are."""
    bias = rng.choice((0.1, 0.5, 0.9))
    others = rng.choice((("old",), ("old", "zero", "junk", "torn")))
    made: Plan = {}
    for op in point.pending:
        is_kept = rng.random() < bias
        if op.kind != "write":
            made[op.number] = ALL if is_kept else NOTHING
            continue
        first, count = _sectors(op)
        choose = lambda: "new" if rng.random() < bias else rng.choice(others)
        sectors = {first + at: choose() for at in range(min(count, 4096))}
        made[op.number] = Part(None if is_kept else 0, "old", sectors)
    return made


def _reorder_ext4(point: Point, rng: random.Random) -> Plan:
    """The journal up to one change; of each file what was appended up to a block, and any sectors
    of what lay there before."""
    bias = rng.choice((0.1, 0.5, 0.9))
    journal = [op for op in point.pending if op.is_journaled]
    cut = rng.randint(0, len(journal))
    made = {op.number: ALL for op in journal[:cut]}
    writes: dict[int, list[Op]] = {}
    for op in point.pending:
        if op.kind == "write":
            writes.setdefault(op.inode, []).append(op)
    for ops in writes.values():
        growing = [op for op in ops if op.is_growing]
        made |= _append(growing, rng)
        for op in ops:
            if not op.is_growing:
                first, count = _sectors(op)
                sectors = {first + at: "new" if rng.random() < bias else "old"
                           for at in range(count)}
                made[op.number] = Part(0, "old", sectors)
    return made


def _append(growing: list[Op], rng: random.Random) -> Plan:
    if not growing:
        return {}
    cut = rng.randint(0, len(growing))
    made = {op.number: ALL for op in growing[:cut]}
    return made | (_append_part(growing[cut], rng) if cut < len(growing) else {})


def _append_part(op: Op, rng: random.Random) -> Plan:
    """An append is there up to some block: long ones can be written out in parts."""
    ends = range(op.at // BLOCK * BLOCK + BLOCK, op.at + len(op.data), BLOCK)
    if not ends:
        return {}
    end = rng.choice(ends)
    sectors = {at: "new" for at in range(op.at // SECTOR, end // SECTOR)}
    return {op.number: Part(end, "old", sectors)}


def _settle(point: Point, made: Plan) -> Plan:
    """What ext4 never does is taken back: its journal has no gaps, bytes written behind a new
    length do not come before it, and a file's bytes are written before it replaces another."""
    made = dict(made)
    lost: set[int] = set()
    is_cut = False
    for op in point.pending:
        if op.is_journaled:
            is_cut = is_cut or made.get(op.number, NOTHING) is not ALL
            if is_cut:
                made.pop(op.number, None)
                if op.kind == "size":
                    lost.add(op.inode)
        elif op.inode in lost:
            made.pop(op.number, None)
    for op in point.pending:
        if op.kind == "rename" and op.replaced is not None and made.get(op.number) is ALL:
            for write in point.pending:
                if write.kind == "write" and write.inode == op.inode and write.time < op.time:
                    made[write.number] = ALL
    return made


# -- what a plan leaves

def build(point: Point, made: Plan) -> dict[str, bytes | None]:
    """The tree: what is durable, and of what is pending what the plan keeps."""
    names = {inode: dict(held) for inode, held in point.disk.base_names.items()}
    content = {inode: bytearray(held) for inode, held in point.disk.base_content.items()}
    pending = {op.number for op in point.pending}
    for op in point.issued:
        part = made.get(op.number, NOTHING) if op.number in pending else ALL
        if op.inode in point.disk.content:
            content.setdefault(op.inode, bytearray())
        if op.is_name:
            if part is ALL:
                _rename(names, op)
        elif op.kind == "size":
            if part is ALL:
                held = content[op.inode]
                del held[op.size :]
                held.extend(bytes(op.size - len(held)))
        else:
            _store(content[op.inode], op, part)
    return walk(names, content)


def _rename(names: dict, op: Op) -> None:
    if op.kind == "link":
        ((folder, name),) = op.names
        names.setdefault(folder, {})[name] = op.inode
    elif op.kind == "unlink":
        ((folder, name),) = op.names
        names.setdefault(folder, {}).pop(name, None)
    else:
        (old_folder, old_name), (folder, name) = op.names
        names.setdefault(old_folder, {}).pop(old_name, None)
        names.setdefault(folder, {})[name] = op.inode


def _store(held: bytearray, op: Op, part: Part) -> None:
    end = op.at + len(op.data)
    grows_to = end if part.grows_to is None else min(end, part.grows_to)
    held.extend(bytes(max(0, grows_to - len(held))))
    if part.rest == "new" and not part.sectors:
        last = min(end, len(held))
        held[op.at : last] = op.data[: max(0, last - op.at)]
        return
    if part.rest == "old" and not part.sectors:
        return
    first, count = _sectors(op)
    for sector in range(first, first + count):
        start, stop = max(op.at, sector * SECTOR), min(end, (sector + 1) * SECTOR, len(held))
        fill = part.sectors.get(sector, part.rest)
        if fill == "torn":
            stop, fill = (start + stop) // 2, "new"
        if stop <= start or fill == "old":
            continue
        if fill == "new":
            held[start:stop] = op.data[start - op.at : stop - op.at]
        elif fill == "zero":
            held[start:stop] = bytes(stop - start)
        else:
            held[start:stop] = random.Random(op.number * 8192 + sector).randbytes(stop - start)


def digest(tree: dict[str, bytes | None]) -> bytes:
    hashed = hashlib.blake2b(digest_size=16)
    for path in sorted(tree):
        held = tree[path]
        hashed.update(f"{path}\0{-1 if held is None else len(held)}\0".encode())
        hashed.update(held or b"")
    return hashed.digest()


# -- a failure made small

def smallest(point: Point, made: Plan, fails: Callable[[Plan], bool]) -> tuple[str, Plan]:
    """The fewest changes that are missing, or the fewest that are kept, whichever are fewer."""
    found = []
    for word, rest in (("missing", ALL), ("kept", NOTHING)):
        plan = dict(made)
        for op in point.pending:
            part = plan.get(op.number, NOTHING)
            if part is rest:
                continue
            tried = plan | {op.number: rest}
            if point.rules == EXT4:
                tried = _settle(point, tried)
            if fails(tried):
                plan = tried
        left = [op for op in point.pending if plan.get(op.number, NOTHING) is not rest]
        found.append((len(left), word, plan))
    _, word, plan = min(found, key=lambda entry: entry[0])
    return word, plan


def describe(point: Point, made: Plan) -> list[str]:
    """Every pending change and which part of it is there."""
    lines = []
    for op in point.pending:
        part = made.get(op.number, NOTHING)
        said = "kept" if part is ALL else "lost" if part is NOTHING else _said(op, part)
        lines.append(f"line {op.time}: {describe_op(point.disk, op)}: {said}")
    return lines


def _said(op: Op, part: Part) -> str:
    first, count = _sectors(op)
    fills = [part.sectors.get(first + at, part.rest) for at in range(count)]
    end = op.at + len(op.data)
    grows_to = end if part.grows_to is None else min(part.grows_to, end)
    length = "its length" if grows_to == end else f"its length to {grows_to}"
    return f"{length}, sectors " + " ".join(f"{fills.count(f)} {f}" for f in sorted(set(fills)))


def describe_op(disk: Disk, op: Op) -> str:
    if op.is_name:
        places = [f"{disk.paths[folder]}/{name}" for folder, name in op.names]
        return f"{op.kind} {' to '.join(places)}"
    if op.kind == "size":
        return f"length of {disk.paths[op.inode]} set to {op.size}"
    return f"write {disk.paths[op.inode]} {op.at}+{len(op.data)}"
