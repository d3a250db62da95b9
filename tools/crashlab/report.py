"""The table of docs/crashlab.md, from the results of a run."""

import datetime
import platform
import re
import subprocess
import textwrap
from collections import Counter
from pathlib import Path

from disk import RULES
from engines import Engine
from lab import FINE, MEANING, OUTCOMES
from run import Failure, Result

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
# So many changes of an image are listed, and what is said of the rest.
DETAILS = 6


def table(results: list[Result], versions: dict[str, str]) -> list[str]:
    """A row for each engine and set of rules: images, and how many came to what."""
    seen = [name for name in OUTCOMES if name != FINE and any(
        name in result.counts(rules) for result in results for rules in RULES)]
    heads = ["engine", "version", "rules", "images", FINE, *seen]
    lines = [f"| {' | '.join(heads)} |", "| --- | --- | --- |" + " ---: |" * (len(heads) - 3)]
    for name in dict.fromkeys(result.engine for result in results):
        for rules in RULES:
            counts = _sum(results, name, rules)
            cells = [name, versions[name], rules, f"{counts.total():,}", f"{counts[FINE]:,}"]
            cells += [f"{counts[outcome]:,}" if counts[outcome] else "" for outcome in seen]
            lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    lines += [""] + [f"* *{name}*: {MEANING[name]}." for name in [FINE, *seen]]
    return lines


def _sum(results: list[Result], name: str, rules: str) -> Counter:
    counts: Counter = Counter()
    for result in results:
        if result.engine == name:
            counts += result.counts(rules)
    return counts


def failures(results: list[Result]) -> list[str]:
    """Of each kind, for each engine and set of rules, the image that needs the fewest changes."""
    kinds: dict[tuple[str, str, str], list[tuple[str, Failure]]] = {}
    for result in results:
        for (rules, outcome), failure in result.failures.items():
            kinds.setdefault((result.engine, rules, outcome), []).append((result.workload, failure))
    lines: list[str] = []
    for (engine, rules, outcome), found in kinds.items():
        _, least = min(found, key=lambda entry: len(entry[1].details))
        lines += _wrapped(f"**{engine}**, {rules}: *{outcome}*. `{least.line}`", "* ")
        lines += _wrapped(least.said, "  ")
        shown = least.details[:DETAILS] + least.details[max(DETAILS, len(least.details) - 1):]
        lines += [line for detail in shown for line in _wrapped(detail, "  * ")]
    return lines


def _wrapped(text: str, lead: str) -> list[str]:
    return textwrap.wrap(text, 118, initial_indent=lead, subsequent_indent=" " * len(lead),
                         break_long_words=False, break_on_hyphens=False)


def summary(results: list[Result], engines: list[Engine], versions: dict[str, str],
            command: str) -> str:
    today = datetime.date.today().isoformat()
    images = sum(result.counts(rules).total() for result in results for rules in RULES)
    cases = sum(result.cases for result in results)
    nested = sum(result.nested for result in results)
    lines = [
        f"Of {today}, by `{command}`: {cases:,} cases, a crash point with a policy each,",
        f"{nested:,} of them second power cuts; {images:,} different images.",
        "", *table(results, versions), "", "How the engines were set:", "",
    ]
    lines += [f"* {engine.name}: {engine.settings}." for engine in engines]
    lines += ["", f"On {_system()}.", ""]
    found = failures(results)
    if found:
        lines += ["Of each kind of failure the image that needs the fewest changes:", ""]
    return "\n".join([*lines, *found]).rstrip() + "\n"


def _system() -> str:
    strace = subprocess.run(["strace", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"version ([\d.]+)", strace)
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    name = re.search(r'PRETTY_NAME="([^"]+)"', release)
    place = name[1] if name else platform.system()
    return f"{place}, strace {version[1] if version else 'unknown'}, packages of the distribution"


def write(path: Path, text: str) -> None:
    """Replaces what stands between the marks."""
    page = path.read_text()
    start, stop = page.index(BEGIN) + len(BEGIN), page.index(END)
    path.write_text(f"{page[:start]}\n\n{text}\n{page[stop:]}")
