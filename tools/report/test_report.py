"""Tests of the report: python3 tools/report/test_report.py"""

import os
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import report
from report import Figure, Lane, Tree

REPOSITORY = report.HERE.parents[1]
TABLES = tomllib.loads((report.HERE / "faults.toml").read_text())
FIGURES = tomllib.loads((report.HERE / "figures.toml").read_text())["figure"]
MAKEFILE = """\
BUDGET := 1
test:
\t+@tools/lanes 'tidy unit' 'capi'

prove:
\t+@tools/lanes 'images'

check:
\t+@tools/lanes 'format tidy'

lives:
\t$(LAB) tools/keep $@ cargo test
"""
SAID = "cut: 3 scripts, 5 images, 0 violations\ncut: 4 scripts, 1000 images, 0 violations\n"
ENTRY = {
    "section": "Cuts",
    "name": "images",
    "lane": "images",
    "pattern": r"(?P<scripts>\d+) scripts, (?P<most_images>\d+) images, (?P<violations>\d+) viol",
    "value": "{scripts} scripts, {most_images:,} images, {times} times",
}


def end(name: str, state: str = "done") -> str:
    return f"-- make {name}: {state} in 7 s\n"


class Repository(unittest.TestCase):
    """Each test has a small repository of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / report.LOGS).mkdir(parents=True)
        (self.root / "docs").mkdir()
        (self.root / "Makefile").write_text(MAKEFILE)
        # There is no commit here, and no make above.
        none = {"GIT_DIR": str(self.root), "MAKEFLAGS": "", "MAKE": "make", "LANE_KEPT": ""}
        self.environment = os.environ | none

    def log(self, name: str, text: str) -> None:
        (self.root / report.LOGS / f"{name}.log").write_text(text)

    def tree(self, soon: tuple[str, ...] = ()) -> Tree:
        return Tree.read(self.root, list(soon))

    def figure(self, text: str | None, **changes: object) -> Figure:
        if text is not None:
            self.log("images", text)
        return Figure(ENTRY | changes, self.tree())


class Lanes(Repository):
    def test_the_makefile_says_which_lanes_there_are(self) -> None:
        found = {name: lane.part for name, lane in self.tree().lanes.items()}
        self.assertEqual(found, {"tidy": "make test", "unit": "make test", "capi": "make test",
                                 "images": "make prove", "lives": "its own"})

    def test_a_lane_is_green_red_cut_off_or_not_run(self) -> None:
        self.log("tidy", end("tidy"))
        self.log("unit", end("unit", "RED"))
        self.log("capi", "test result: ok. 1 passed; 0 failed;\n")
        states = [self.tree().lanes[name].state for name in ("tidy", "unit", "capi", "images")]
        self.assertEqual(states, ["green", report.RED, f"{report.RED}, cut off", "not run"])

    def test_a_log_says_when_and_of_which_commit_it_is(self) -> None:
        for text, commit in (("-- at 12ab-dirty\n", "`12ab-dirty`"), ("", "unknown commit")):
            self.log("tidy", text + end("tidy"))
            os.utime(self.root / report.LOGS / "tidy.log", (86400, 86400))
            self.assertEqual(self.tree().lanes["tidy"].date, f"1970-01-02 00:00, {commit}")
        self.assertEqual(self.tree().lanes["unit"].date, "")

    def test_what_keeps_a_log_writes_what_is_read(self) -> None:
        keep = REPOSITORY / "tools/keep"
        for command, state in (("true", "green"), ("false", report.RED)):
            asked = [keep, "lives", "sh", "-c", f"echo {SAID.splitlines()[0]}; {command}"]
            done = subprocess.run(asked, cwd=self.root, env=self.environment,
                                  capture_output=True, text=True)
            lane = self.tree().lanes["lives"]
            self.assertEqual((lane.state, done.stdout), (state, lane.text))
            self.assertEqual(done.returncode, int(command == "false"))
            self.assertIn(", `unknown`", lane.date)

    def test_where_lanes_keep_a_log_it_is_kept_once(self) -> None:
        (self.root / "Makefile").write_text(
            f"lives:\n\t@{REPOSITORY}/tools/keep $@ echo a life\nunit:\n\t@false\n")
        asked = [REPOSITORY / "tools/lanes", "lives", "unit"]
        done = subprocess.run(asked, cwd=self.root, env=self.environment,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        log = (self.root / report.LOGS / "lives.log").read_text()
        self.assertEqual(log.replace("in 1 s", "in 0 s"),
                         "-- at unknown\na life\n-- make lives: done in 0 s\n")
        self.assertIn("-- make unit: RED", (self.root / report.LOGS / "unit.log").read_text())

    def test_passed_tests_are_counted(self) -> None:
        line = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n"
        self.log("unit", line * 2 + end("unit"))
        rows = report.lane_table(self.tree())
        self.assertIn("| `make unit` | test | green | 6 | 0 | 7 |", "\n".join(rows))

    def test_what_was_skipped_is_red(self) -> None:
        self.log("unit", "No full file system was tried: this process may not mount one.\n"
                         "4 passed, 2 skipped in 3 s\n4 passed, 0 skipped in 3 s\n" + end("unit"))
        said = report.skipped(self.tree())
        self.assertEqual(len(said), 3, said)
        self.assertIn("no log of `make tidy`, `make capi`", said[-1])
        self.assertTrue(all(report.RED in line for line in said))


class Figures(Repository):
    def test_groups_are_summed_and_the_largest_is_kept(self) -> None:
        figure = self.figure(SAID + end("images"))
        self.assertEqual(figure.value(), "7 scripts, 1,000 images, 2 times")
        self.assertEqual(list(figure.complaints()), [])

    def test_the_last_one_counts_if_asked_for(self) -> None:
        figure = self.figure(SAID + end("images"), take="last")
        self.assertEqual(figure.value(), "4 scripts, 1,000 images, 1 times")

    def test_colours_are_no_part_of_a_line(self) -> None:
        said = "\x1b[1mcut: 3\x1b[0m scripts, 5 images, 0 violations\n"
        figure = self.figure(said + end("images"))
        self.assertEqual(figure.value(), "3 scripts, 5 images, 1 times")

    def test_a_figure_is_of_its_story_and_not_of_planted_bugs(self) -> None:
        line = "cut: {} scripts, 5 images, 0 violations\n"
        stories = [("a::one", 1), ("a::two", 2), ("museum::found", 8)]
        text = line.format(4) + "".join(
            f"---- {name} stdout ----\n{line.format(count)}" for name, count in stories)
        for changes, told in (({}, "7 scripts"), ({"story": "a::"}, "3 scripts"),
                              ({"story": "museum::"}, "8 scripts")):
            self.assertIn(told, self.figure(text + end("images"), **changes).value())

    def test_without_a_log_nothing_is_measured(self) -> None:
        figure = self.figure(None)
        self.assertEqual((figure.value(), list(figure.complaints())), ("not measured", []))

    def test_a_figure_of_a_red_lane_is_red(self) -> None:
        for last in (end("images", "RED"), ""):
            self.assertTrue(self.figure(SAID + last).value().startswith(f"{report.RED}: 7 scripts"))
        figure = self.figure(end("images", "RED"))
        self.assertEqual((figure.value(), list(figure.complaints())),
                         (f"{report.RED}: nothing was told", []))

    def test_violations_and_nothing_tried_are_red(self) -> None:
        bad = self.figure("cut: 3 scripts, 5 images, 1 violations\n" + end("images"))
        self.assertTrue(bad.value().startswith(f"{report.RED}: 3"))
        none = self.figure("cut: 0 scripts, 0 images, 0 violations\n" + end("images"))
        self.assertTrue(none.value().startswith(f"{report.RED}: nothing was tried"))

    def test_a_figure_that_vanishes_from_a_green_log_is_a_complaint(self) -> None:
        figure = self.figure("something else\n" + end("images"))
        self.assertIn("its log has nothing like", "".join(figure.complaints()))
        allowed = self.figure("something else\n" + end("images"), may_miss=True)
        self.assertEqual((allowed.value(), list(allowed.complaints())), ("not measured", []))

    def test_what_prints_a_figure_must_be_there_and_say_it(self) -> None:
        def complaints(**changes: object) -> str:
            return "\n".join(self.figure(None, **changes).complaints())

        (self.root / "crash.rs").write_text("{} scripts, {} images")
        self.assertEqual(complaints(source="crash.rs", says="{} images"), "")
        self.assertIn("does not say", complaints(source="crash.rs", says="{} pictures"))
        self.assertIn("there is no gone.rs", complaints(source="gone.rs"))
        self.assertIn("keeps no log", complaints(lane="gone"))
        soon = Figure(ENTRY | {"source": "new/a.rs", "lane": "new"}, self.tree(("new",)))
        self.assertEqual((soon.value(), list(soon.complaints())), ("not measured", []))
        (self.root / "new").mkdir()
        (self.root / "new/a.rs").touch()
        self.assertIn("keeps no log", "".join(soon.complaints()))


class Faults(Repository):
    def complaints(self, *faults: dict[str, object]) -> str:
        return "\n".join(report.complaints(self.tree(("later",)), list(faults), []))

    def test_a_row_names_what_is_there(self) -> None:
        test = self.root / "lsm-core/tests/it/ground/crash.rs"
        test.parent.mkdir(parents=True)
        test.touch()
        row: dict[str, object] = {
            "number": 1, "tests": ["ground/crash.rs", "later/a.py"], "lanes": ["images", "later"],
        }
        self.assertEqual(self.complaints(row), "")
        self.assertIn("there is no ground/a.rs", self.complaints(row | {"tests": ["ground/a.rs"]}))
        self.assertIn("there is no lane `cuts`", self.complaints(row | {"lanes": ["cuts"]}))
        self.assertIn("what is not tried", self.complaints(row | {"lanes": []}))
        self.assertIn("what is not tried", self.complaints({"number": 1}))
        self.assertEqual(self.complaints({"number": 1, "untried": "all of it"}), "")
        self.assertIn("numbered", self.complaints(row | {"number": 2}))

    def test_a_row_says_which_of_its_lanes_are_not_green(self) -> None:
        self.log("images", SAID + end("images", "RED"))
        self.log("unit", end("unit"))
        fault = {"number": 1, "fault": "a | b", "must": "c", "tests": ["Makefile", "later/a.py"],
                 "lanes": ["unit", "images", "capi", "later"]}
        line = report.fault_table(self.tree(("later",)), [fault])[-1]
        self.assertEqual(line, "| 1 | a \\| b | c | `Makefile` | "
                               f"`unit`, `images` ({report.RED}), `capi` (not run) |  |")


class Committed(Repository):
    """The two tables as they stand here."""

    def test_they_name_what_is_there(self) -> None:
        tree = Tree.read(REPOSITORY, TABLES["soon"])
        tree.lanes = {name: Lane(name, lane.part) for name, lane in tree.lanes.items()}
        figures = [Figure(entry, tree) for entry in FIGURES]
        self.assertEqual(report.complaints(tree, TABLES["fault"], figures), [])
        self.assertEqual(len(TABLES["fault"]), 34)

    def test_the_page_is_made_of_what_lanes_print(self) -> None:
        logs = {entry["lane"]: "" for entry in FIGURES}
        for lane in logs:
            said = {entry["sample"]: None for entry in FIGURES if entry["lane"] == lane}
            self.log(lane, "\n".join([*said, end(lane)]))
        lives = next(entry for entry in FIGURES if entry["lane"] == "sim")
        kinds = "\n| faults that struck | times |\n| --- | ---: |\n| write eio | 12 |\n\n"
        self.log("sim", kinds.replace("12", "9") + kinds + lives["sample"] + "\n" + end("sim"))
        lanes = "".join(f"{name}:\n\ttools/keep $@ x\n" for name in logs)
        (self.root / "Makefile").write_text(lanes)
        tree = self.tree(("lsm-core",))
        figures = [Figure(entry | {"source": "Makefile", "says": ""}, tree) for entry in FIGURES]
        page = report.page(tree, TABLES["fault"], figures)
        self.assertEqual(report.complaints(tree, [], figures), [])
        missing = [figure.entry["name"] for figure in figures if figure.value() == "not measured"]
        self.assertEqual(missing, [])
        self.assertNotIn(report.RED, page.partition("## Figures")[2].partition("### Faults by")[0])
        for told in ("3,000 images behind", "| write eio | 12 |", "95.3 %: 810 of 850",
                     "1,200,345 executions of 1 targets", "90.00 % of 5,000", "| 34 | "):
            self.assertIn(told, page)
        self.assertNotIn("| write eio | 9 |", page)

    def test_branches_that_were_not_counted_are_not_measured(self) -> None:
        lines, branches = (entry for entry in FIGURES if entry["lane"] == "coverage")
        (self.root / "Makefile").write_text("coverage:\n\ttools/keep $@ x\n")
        self.log("coverage", lines["sample"] + "\n" + end("coverage"))
        found = Figure(branches, self.tree())
        self.assertEqual((found.value(), list(found.complaints())), ("not measured", []))


if __name__ == "__main__":
    found = unittest.main(exit=False, verbosity=0).result
    failed = len(found.failures) + len(found.errors)
    print(f"test result: {'FAILED' if failed else 'ok'}. "
          f"{found.testsRun - failed} passed; {failed} failed;")
    sys.exit(failed > 0 or found.testsRun == 0)
