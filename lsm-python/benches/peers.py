"""lsmdb beside other ordered and key-value stores of Python: python lsm-python/benches/peers.py

Each store that is installed takes the same pairs, in rounds that go through the stores in turn, and
every answer is compared with what was written. What is printed is a table in Markdown: thousands of
keys a second, the median of the rounds, and how many times faster lsmdb was, round by round.

Equal terms: a write is in the operating system's hands when the call is back, and so survives the
death of the process; nobody waits for the disk. `dbm.dumb` promises less, and keeps its index in
memory. Memtables have 16 MiB and caches 64 MiB wherever there are such, filters 10 bits a key. Before
the reads, each store is closed and opened again. Values are half compressible.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from stores import STORES, Store


def chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


class Data:
    """What is written and asked for, the same for each store."""

    def __init__(self, records: int, width: int, seed: int = 1) -> None:
        chance = random.Random(seed)
        self.width = width
        numbers = dict.fromkeys(chance.getrandbits(64) for _ in range(records))
        keys = [b"%016x" % number for number in numbers]
        pairs = [(key, self._value(chance)) for key in keys]
        self.single, self.batched = pairs[::2], pairs[1::2]
        self.all = dict(pairs)
        self.sorted = sorted(pairs)
        self.asked = chance.sample(keys, records)
        self.gone = chance.sample(keys, records // 2)

    def _value(self, chance: random.Random) -> bytes:
        half = chance.randbytes(self.width // 2)
        return half + b"x" * (self.width - len(half))


def timed(action: Callable[[], Any], clock: Callable[[], float]) -> tuple[float, Any]:
    gc.collect()
    gc.disable()
    begin = clock()
    try:
        answer = action()
        return clock() - begin, answer
    finally:
        gc.enable()


CLOCKS = {"wall": time.perf_counter, "thread": time.thread_time}


class Round:
    """One store goes once through everything. Answers keys a second for each row."""

    def __init__(
        self, store: type[Store], path: Path, data: Data, options: argparse.Namespace
    ) -> None:
        self.make, self.path, self.data = store, path, data
        self.batch, self.clock = options.batch, CLOCKS[options.clock]
        self.speeds: dict[str, float] = {}
        self.store = store(path)

    def run(self) -> dict[str, float]:
        self._writes()
        self.store.close()
        self.store = self.make(self.path)
        self._reads()
        self._scans()
        store, gone = self.store, self.data.gone[: self.store.deletes]
        self._row("delete", len(gone), lambda: store.delete(gone))
        check(sorted(self.data.all.keys() - set(gone)), [key for key, _ in store.scan()], "delete")
        store.close()
        return self.speeds

    def _row(self, name: str, count: int, action: Callable[[], Any]) -> Any:
        seconds, answer = timed(action, self.clock)
        self.speeds[name] = count / seconds
        return answer

    def _writes(self) -> None:
        data, store = self.data, self.store
        batches = list(chunks(data.batched, self.batch))
        self._row("put", len(data.single), lambda: store.put(data.single))
        self._row(
            f"put, {self.batch} in a batch",
            len(data.batched),
            lambda: [*map(store.write, batches)],
        )

    def _reads(self) -> None:
        data, store = self.data, self.store
        asked = data.asked
        wanted = [data.all[key] for key in asked]
        lists = list(chunks(asked, 100))
        rows: list[tuple[str, Callable[[], Any]]] = [
            ("get", lambda: store.get(asked)),
            ("get, all at one moment", lambda: store.get_at_once(asked)),
            ("get_many, 100 keys", lambda: [v for keys in lists for v in store.get_many(keys)]),
        ]
        for name, action in rows:
            check(wanted, self._row(name, len(asked), action), name)

    def _scans(self) -> None:
        data, store = self.data, self.store
        self._short()
        check(data.sorted, self._row("scan to bytes", len(data.sorted), store.scan), "scan")
        try:
            import numpy
        except ImportError:
            return
        keys, values = self._row(
            "scan to NumPy", len(data.sorted), lambda: store.columns(numpy, data.width)
        )
        check(b"".join(key for key, _ in data.sorted), keys.tobytes(), "keys in NumPy")
        check(b"".join(value for _, value in data.sorted), values.tobytes(), "values in NumPy")


    def _short(self) -> None:
        data, short = self.data, self.store.short
        starts = data.asked[: len(data.asked) // 10]
        if not self.store.ordered:
            return
        at = {key: index for index, (key, _) in enumerate(data.sorted)}
        wanted = [data.sorted[at[start] : at[start] + 10] for start in starts]
        count = sum(map(len, wanted))
        found = self._row("ranges of 10", count, lambda: [[*islice(short(k), 10)] for k in starts])
        check(wanted, found, "ranges of 10")


def check(wanted: Any, found: Any, where: str) -> None:
    if wanted != found:
        raise SystemExit(f"{where}: what came back is not what was written")


Speeds = dict[str, dict[str, list[float]]]


def measure(stores: list[type[Store]], options: argparse.Namespace) -> Speeds:
    """Rows, in them stores, in them the speed of each round."""
    data = Data(options.records, options.value_bytes)
    speeds: Speeds = {}
    for number in range(options.rounds):
        # Whoever is first one round is last the next.
        for store in stores if number % 2 == 0 else reversed(stores):
            folder = Path(tempfile.mkdtemp(prefix="peers-", dir=options.dir))
            try:
                one = Round(store, folder / store.name, data, options).run()
            finally:
                shutil.rmtree(folder)
            for row, speed in one.items():
                speeds.setdefault(row, {}).setdefault(store.name, []).append(speed)
            print(f"round {number + 1}: {store.name}", file=sys.stderr)
    return speeds


def spread(samples: list[float]) -> float:
    """Half of the way from the least to the most, as a part of the median."""
    return (max(samples) - min(samples)) / 2 / statistics.median(samples)


def ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs))


def short(number: float) -> str:
    """Three digits, or all of those in front of the point."""
    return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f}"


def table(speeds: Speeds, names: list[str]) -> str:
    lines = ["| thousand keys a second | " + " | ".join(names) + " |"]
    lines.append("| --- |" + " ---: |" * len(names))
    for row, stores in speeds.items():
        cells = []
        for name in names:
            samples = stores.get(name)
            if samples is None:
                cells.append("")
                continue
            cell = f"{short(statistics.median(samples) / 1000)} +/- {spread(samples):.0%}"
            if name != "lsmdb" and "lsmdb" in stores:
                cell += f", **{short(ratio(stores['lsmdb'], samples))} x**"
            cells.append(cell)
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--value-bytes", type=int, default=100)
    parser.add_argument("--only", help="names of stores, with commas between them")
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="thread: the CPU time of the calling thread, where the machine is busy with others",
    )
    parser.add_argument("--dir", help="where the databases are made, and removed again")
    parser.add_argument("--json", type=Path, help="a file for every single measurement")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    versions = {}
    for store in STORES:
        try:
            versions[store.name] = store.version()
        except ImportError:
            print(f"{store.name} is not installed", file=sys.stderr)
    wanted = options.only.split(",") if options.only else list(versions)
    stores = [store for store in STORES if store.name in wanted and store.name in versions]
    speeds = measure(stores, options)
    names = [store.name for store in stores]
    print(f"Python {platform.python_version()}, {platform.machine()};", end=" ")
    print(", ".join(f"{name} {versions[name]}" for name in names) + ".")
    print(f"{options.records} records, {options.rounds} rounds, {options.clock} clock.\n")
    print(table(speeds, names))
    if options.json:
        report = {"versions": versions, "options": vars(options), "speeds": speeds}
        options.json.write_text(json.dumps(report, default=str, indent=1))


if __name__ == "__main__":
    main()
