#!/usr/bin/env python3
"""report.py: writes docs/reliability-report.md from what the lanes have left in target/lanes.

`faults.toml` has the faults, and which files try them; `figures.toml` what a lane prints, and what
of that is a figure. Both are checked: a file or a lane that is gone, or a figure that a green log
does not have any more, is an error, and then nothing is written.
"""

import datetime
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = Path("docs/reliability-report.md")
LOGS = Path("target/lanes")
# Where the tests of the fault table may stand, the names in it being short.
PLACES = ["lsm-core/tests/it", "lsm-core/src", "."]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BEGIN = re.compile(r"^-- at (?P<commit>\S+)$", re.M)
END = re.compile(r"^-- make (?P<name>\S+): (?P<state>done|RED) in (?P<seconds>\d+) s$", re.M)
TESTS = re.compile(r"^test result: .* (\d+) passed; (\d+) failed;", re.M)
STORY = re.compile(r"^---- (\S+) stdout ----$", re.M)
# What lanes say when they leave something out.
SKIPPED = re.compile(
    r"^(?!--).*(?:were not (?:compared|checked)|was tried: this process may not"
    r"|is left out: apt-get|\b[1-9]\d* skipped\b).*$",
    re.M,
)
RED = "**RED**"


@dataclass
class Lane:
    """One make target with a log: what it printed, if it ran, and how it ended."""

    name: str
    part: str
    text: str = ""
    when: datetime.datetime | None = None

    @property
    def ended(self) -> re.Match[str] | None:
        return list(END.finditer(self.text))[-1] if END.search(self.text) else None

    @property
    def state(self) -> str:
        if self.when is None:
            return "not run"
        if self.ended is None:
            return f"{RED}, cut off"
        return "green" if self.ended["state"] == "done" else RED

    @property
    def date(self) -> str:
        """When it ended, and what was checked out when it began."""
        if self.when is None:
            return ""
        begun = BEGIN.search(self.text)
        commit = f"`{begun['commit']}`" if begun else "unknown commit"
        return f"{self.when:%Y-%m-%d %H:%M}, {commit}"


@dataclass
class Tree:
    """The repository: its lanes with their logs, and what is known not to be there yet."""

    root: Path
    lanes: dict[str, Lane]
    soon: list[str]

    @classmethod
    def read(cls, root: Path, soon: list[str]) -> "Tree":
        lanes = {name: Lane(name, part) for name, part in lanes_of(root / "Makefile")}
        for lane in lanes.values():
            log = root / LOGS / f"{lane.name}.log"
            if log.exists():
                lane.text = COLOURS.sub("", log.read_text(errors="replace"))
                lane.when = utc(log.stat().st_mtime)
        return cls(root, lanes, soon)

    def find(self, name: str) -> Path | None:
        found = (self.root / place / name for place in PLACES)
        return next((path for path in found if path.exists()), None)

    def is_soon(self, name: str) -> bool:
        return any(name == soon or name.startswith(f"{soon}/") for soon in self.soon)


def utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def lanes_of(makefile: Path) -> Iterable[tuple[str, str]]:
    """Every target that leaves a log, and in which target it is a part."""
    seen = set()
    target = ""
    for line in makefile.read_text().splitlines():
        if head := re.match(r"([\w-]+):(?!=)", line):
            target = head[1]
        names = []
        if "tools/lanes " in line and target in ("test", "prove"):
            names = [(name, f"make {target}") for list_ in re.findall(r"'([^']*)'", line)
                     for name in list_.split()]
        elif "tools/keep $@" in line:
            names = [(target, "its own")]
        for name, part in names:
            if name not in seen:
                seen.add(name)
                yield name, part


@dataclass
class Figure:
    """A figure of a log, as figures.toml describes it."""

    entry: dict[str, Any]
    tree: Tree

    @property
    def lane(self) -> Lane:
        name = self.entry["lane"]
        return self.tree.lanes.get(name, Lane(name, "missing"))

    @property
    def text(self) -> str:
        """What the stories asked for have printed; else all but what planted bugs have made."""
        head, *parts = STORY.split(self.lane.text)
        stories = list(zip(parts[::2], parts[1::2]))
        if asked := self.entry.get("story"):
            return "".join(said for name, said in stories if name.startswith(asked))
        return head + "".join(said for name, said in stories if not name.startswith("museum::"))

    def matches(self) -> list[re.Match[str]]:
        found = list(re.finditer(self.entry["pattern"], self.text, re.M))
        return found[-1:] if self.entry.get("take") == "last" else found

    def complaints(self) -> Iterable[str]:
        entry, source = self.entry, self.tree.root / self.entry.get("source", ".")
        name = f"figure `{entry['name']}` of `{entry['lane']}`"
        if not source.exists():
            if self.tree.is_soon(entry["source"]):
                return
            yield f"{name}: there is no {entry['source']}"
        elif "says" in entry and entry["says"] not in source.read_text():
            yield f"{name}: {entry['source']} does not say {entry['says']!r}"
        if self.lane.part == "missing":
            yield f"{name}: the Makefile keeps no log of it: `tools/keep $@` does"
        elif self.lane.state == "green" and not self.matches() and not entry.get("may_miss"):
            yield f"{name}: its log has nothing like {entry['pattern']}"

    def value(self) -> str:
        """The cell: red if the lane was red, if promises were broken, or if nothing was tried."""
        found = self.matches()
        if self.lane.when is None or (self.lane.state == "green" and not found):
            return "not measured"
        if not found:
            return f"{RED}: nothing was told"
        sums = self.sums(found)
        text: str = self.entry["value"].format(**sums, times=len(found))
        first = next(iter(found[0].re.groupindex), None)
        if first and not sums[first]:
            return f"{RED}: nothing was tried: {text}"
        is_red = self.lane.state != "green" or sums.get("violations", 0)
        return f"{RED}: {text}" if is_red else text

    def sums(self, found: list[re.Match[str]]) -> dict[str, Any]:
        """Of each group of the pattern the sum over all matches; of `most_..` the largest."""
        sums: dict[str, Any] = {}
        for group in found[0].re.groupindex:
            numbers = [number(match[group]) for match in found]
            sums[group] = max(numbers) if group.startswith("most_") else sum(numbers)
        for name, groups in self.entry.get("totals", {}).items():
            sums[name] = sum(sums[group] for group in groups)
        if share := self.entry.get("percent"):
            part, whole = (sums[share[key]] for key in ("of", "among"))
            sums["percent"] = 100 * part / whole if whole else 0.0
        return sums


def number(text: str | None) -> int | float:
    plain = (text or "0").replace(",", "")
    return float(plain) if "." in plain else int(plain)


def complaints(tree: Tree, faults: list[dict[str, Any]], figures: list[Figure]) -> list[str]:
    """Whatever the two tables say that is not so."""
    found = [why for figure in figures for why in figure.complaints()]
    if [fault["number"] for fault in faults] != list(range(1, len(faults) + 1)):
        found.append("the faults are not numbered one after the other")
    for fault in faults:
        name = f"fault {fault['number']}"
        tests, lanes = fault.get("tests", []), fault.get("lanes", [])
        found += [f"{name}: there is no {test}" for test in tests
                  if not tree.find(test) and not tree.is_soon(test)]
        found += [f"{name}: there is no lane `{lane}`" for lane in lanes
                  if lane not in tree.lanes and not tree.is_soon(lane)]
        if bool(tests) != bool(lanes) or not (tests or fault.get("untried")):
            found.append(f"{name}: say which tests in which lanes, or what is not tried")
    return found


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def fault_table(tree: Tree, faults: list[dict[str, Any]]) -> list[str]:
    lines = [row("", "fault", "what must happen", "tried by", "lanes", "not tried"),
             "| ---: | --- | --- | --- | --- | --- |"]
    for fault in faults:
        tests = [test for test in fault.get("tests", []) if tree.find(test)]
        lanes = [tree.lanes[lane] for lane in fault.get("lanes", []) if lane in tree.lanes]
        said = ", ".join(f"`{lane.name}`" + ("" if lane.state == "green" else f" ({lane.state})")
                         for lane in lanes)
        lines.append(row(str(fault["number"]), fault["fault"], fault["must"],
                         code(tests) or "not tried", said, fault.get("untried", "")))
    return lines


def figure_tables(figures: list[Figure]) -> list[str]:
    lines = []
    for section in dict.fromkeys(figure.entry["section"] for figure in figures):
        lines += ["", f"### {section}", "", row("what", "figure", "command", "log of"),
                  "| --- | --- | --- | --- |"]
        for figure in figures:
            if figure.entry["section"] == section:
                lines.append(row(figure.entry["name"], figure.value(), f"`make {figure.lane.name}`",
                                 figure.lane.date))
    return lines


def kinds(tree: Tree) -> list[str]:
    """How often each kind of fault struck in the simulation: the last such table of its logs."""
    lines = []
    for lane in tree.lanes.values():
        found = re.findall(r"^\| faults that struck \| times \|\n\| --- .*\n((?:\|.*\n)*)",
                           lane.text, re.M)
        if found:
            state = "" if lane.state == "green" else f" {RED}."
            lines += ["", f"By `make {lane.name}`, log of {lane.date}.{state}", "",
                      "| fault that struck | times |", "| --- | ---: |",
                      *found[-1].splitlines()]
    return lines or ["", "Not measured."]


def lane_table(tree: Tree) -> list[str]:
    lines = [row("command", "a part of", "ended", "tests passed", "failed", "seconds", "log of"),
             "| --- | --- | --- | ---: | ---: | ---: | --- |"]
    for lane in tree.lanes.values():
        results = [(int(good), int(bad)) for good, bad in TESTS.findall(lane.text)]
        good, bad = (str(sum(column)) for column in zip(*results)) if results else ("", "")
        seconds = lane.ended["seconds"] if lane.ended else ""
        lines.append(row(f"`make {lane.name}`", lane.part.replace("make ", ""), lane.state, good,
                         bad, seconds, lane.date))
    return lines


def skipped(tree: Tree) -> list[str]:
    lines = [f"* `make {lane.name}`: {RED}: {said.strip()}" for lane in tree.lanes.values()
             for said in dict.fromkeys(SKIPPED.findall(lane.text))]
    if absent := [f"`make {lane.name}`" for lane in tree.lanes.values() if lane.when is None]:
        lines.append(f"* {RED}: no log of {', '.join(absent)}")
    return lines or ["No log says that something was skipped."]


def commit(root: Path) -> str:
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def page(tree: Tree, faults: list[dict[str, Any]], figures: list[Figure]) -> str:
    now = datetime.datetime.now(datetime.UTC)
    release = platform.release().partition("-")[0]
    head = HEAD.format(now=f"{now:%Y-%m-%d %H:%M}", commit=commit(tree.root),
                       system=f"{platform.system()} {release}, {platform.machine()}")
    lines = [head, "## Figures", *figure_tables(figures), "", "### Faults by kind", *kinds(tree),
             "", OTHERS, *fault_table(tree, faults), "", "## Lanes", "", *lane_table(tree), "",
             "## Skipped", "", *skipped(tree)]
    return "\n".join(lines) + "\n"


HEAD = """\
# Reliability report

Generated: `make report` writes this page from what the lanes have left in `target/lanes`. Nothing
of it is written by hand. Made {now} UTC at commit `{commit}`, on {system}.

Each figure stands with the command that gives it, the time at which its log ended, and the commit
that was checked out. Figures change with every run, so nothing checks that this page is of today.
A lane that failed, or was cut off, makes its figures red, as does one that tried nothing; what has
no log is not measured. [testing.md](testing.md) describes the lanes, [guarantees.md](guarantees.md)
has the promises, and where the code falls short of them.
"""

OTHERS = """\
### Other engines

[crashlab.md](crashlab.md) has the table of what power cuts leave of this engine and of four others,
with its date and its command.

## Faults and lanes

Each fault that a single machine can meet, what must happen then, and what tries it. Names are those
of files in `lsm-core/tests/it/` and `lsm-core/src/`, others are whole. A lane that is not green is
marked.
"""


def main(root: Path) -> int:
    tables = tomllib.loads((HERE / "faults.toml").read_text())
    tree = Tree.read(root, tables["soon"])
    entries = tomllib.loads((HERE / "figures.toml").read_text())["figure"]
    figures = [Figure(entry, tree) for entry in entries]
    found = complaints(tree, tables["fault"], figures)
    for why in found:
        print(f"tools/report: {why}", file=sys.stderr)
    if found:
        return 1
    (root / PAGE).write_text(page(tree, tables["fault"], figures))
    print(f"{PAGE} is written: {len(entries)} figures, "
          f"{sum(figure.value() == 'not measured' for figure in figures)} of them not measured")
    return 0


if __name__ == "__main__":
    sys.exit(main(HERE.parents[1]))
