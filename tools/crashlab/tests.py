"""Tests of crashlab's own parts: python3 tools/crashlab/tests.py"""

import sys
import unittest
from pathlib import Path

import images
import trace
from disk import EXT4, STRICT, Disk
from engines import WORKLOADS, workload
from images import ALL, NOTHING, Part, Point
from lab import Answer, Judge, Wanted

ROOT = Path("/lab")


def text(plain: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in plain.encode()) + '"'


def calls(*lines: str) -> list[trace.Call]:
    return list(trace.read(f"7 {line}" for line in lines))


def disk(*lines: str, base: dict | None = None, ignored: tuple = ()) -> Disk:
    return Disk(ROOT, base or {}, ignored).follow(calls(*lines))


def opening(path: str, fd: int, flags: str = "O_RDWR|O_CREAT") -> str:
    return f"openat(AT_FDCWD, {text(path)}, {flags}, 0600) = {fd}"


def write(fd: int, at: int, plain: str) -> str:
    return f"pwrite64({fd}, {text(plain)}, {len(plain)}, {at}) = {len(plain)}"


def left(made: Disk, rules: str, policy: str, time: int | None = None) -> dict:
    """The image at the end, or behind a line."""
    point = Point(made, rules, 10**6 if time is None else time)
    return images.build(point, images.plan(point, policy))


MADE = (opening("a", 3), write(3, 0, "old"))


class Traces(unittest.TestCase):
    def test_strings_vectors_and_brackets_are_told_apart(self):
        vector = r'[{iov_base="\x61\x2c", iov_len=2}, {iov_base="\x62", iov_len=1}]'
        (call,) = calls(f"writev(3, {vector}, 2) = 3")
        self.assertEqual(trace.vectors(call.args[1]), b"a,b")
        self.assertEqual((call.args[0], call.args[2], call.result), ("3", "2", 3))

    def test_calls_of_two_threads_are_put_together(self):
        lines = ["1 fsync(3 <unfinished ...>", "2 close(4) = 0", "1 <... fsync resumed>) = 0"]
        found = [(call.name, call.begun, call.time) for call in trace.read(lines)]
        self.assertEqual(found, [("close", 2, 2), ("fsync", 1, 3)])

    def test_a_descriptor_is_free_once_its_close_has_begun(self):
        lines = ["1 close(3 <unfinished ...>", f"2 {opening('b', 3)}", "1 <... close resumed>) = 0",
                 f"2 {write(3, 0, 'x')}"]
        made = Disk(ROOT, {}).follow(trace.read([f"1 {opening('a', 3)}", *lines]))
        self.assertEqual(made.tree(), {"a": b"", "b": b"x"})

    def test_what_failed_is_left_out_and_what_is_strange_is_refused(self):
        self.assertEqual(calls("fsync(3) = -1 EIO (Input/output error)"), [])
        with self.assertRaises(trace.TraceError):
            calls("this is no call")
        with self.assertRaises(trace.TraceError):
            trace.data('"\\x61"...')
        with self.assertRaises(trace.TraceError):
            disk("io_uring_setup(8, 0x1) = 5")


class Disks(unittest.TestCase):
    def test_a_file_needs_its_own_sync_and_its_directory_s(self):
        made = disk(*MADE, "fsync(3) = 0", opening(".", 4, "O_RDONLY|O_DIRECTORY"), "fsync(4) = 0")
        self.assertEqual(left(made, STRICT, "synced", 3), {})
        self.assertEqual(left(made, STRICT, "synced"), {"a": b"old"})

    def test_on_ext4_the_sync_of_a_file_that_has_grown_brings_its_name(self):
        made = disk(*MADE, "fdatasync(3) = 0")
        self.assertEqual(left(made, EXT4, "synced", 2), {})
        self.assertEqual(left(made, EXT4, "synced"), {"a": b"old"})

    def test_a_sync_covers_nothing_that_came_after_it_began(self):
        lines = [f"1 {opening('a', 3)}", "1 fsync(3 <unfinished ...>", f"2 {write(3, 0, 'x')}",
                 "1 <... fsync resumed>) = 0"]
        made = Disk(ROOT, {}).follow(trace.read(lines))
        self.assertEqual(left(made, EXT4, "synced"), {"a": b""})

    def test_a_synced_descriptor_makes_its_own_writes_durable_alone(self):
        made = disk(opening("a", 3), opening("a", 4, "O_WRONLY|O_DSYNC"), write(3, 0, "lost"),
                    write(4, 4, "kept"), base={"a": b"--------"})
        self.assertEqual(left(made, STRICT, "synced"), {"a": b"----kept"})

    def test_renames_links_and_removals_are_followed(self):
        base = {"d": None, "d/a": b"1", "b": b"2"}
        made = disk(f"rename({text('d/a')}, {text('b')}) = 0", f"unlink({text('/lab/b')}) = 0",
                    f"mkdir({text('e')}, 0700) = 0", base=base)
        self.assertEqual(made.tree(), {"d": None, "e": None})
        self.assertEqual(left(made, STRICT, "synced"), base)

    def test_what_lies_outside_is_passed_over(self):
        made = disk(opening("/etc/passwd", 3, "O_RDONLY"), write(3, 0, "x"), write(2, 0, "y"))
        self.assertEqual(made.ops, [])

    def test_stores_through_a_mapping_are_durable_with_their_msync(self):
        registered = "".join(f"\\x{byte:02x}" for number in (0, 1, 3, 65536, 4096)
                             for byte in number.to_bytes(8, "little"))
        stored = "\\x01" + "\\x00" * 7 + "\\x78"
        made = disk(opening("a", 3), f'pwrite64(32767, "{registered}", 40, 0) = -1 EBADF (x)',
                    f'pwrite64(32767, "{stored}", 9, 1) = -1 EBADF (x)',
                    "msync(0x10000, 4096, MS_SYNC) = 0", base={"a": b"...."})
        self.assertEqual(left(made, STRICT, "synced", 3), {"a": b"...."})
        self.assertEqual(left(made, STRICT, "synced"), {"a": b".x.."})

    def test_an_ignored_sync_does_nothing(self):
        made = disk(*MADE, "fsync(3) = 0", ignored=("a",))
        self.assertEqual(left(made, EXT4, "synced"), {})

    def test_acknowledgements_stand_where_they_were_told(self):
        said = "begin 1\nack 1\n"
        made = disk(*MADE, f"write(1, {text(said)}, {len(said)}) = {len(said)}")
        self.assertEqual([Point(made, STRICT, time).acked for time in (2, 3)], [0, 1])


class Images(unittest.TestCase):
    def test_the_policies_by_rule(self):
        made = disk(opening("a", 3), write(3, 0, "new"), write(3, 3, "tail"), base={"a": b"old"})
        self.assertEqual(left(made, STRICT, "synced"), {"a": b"old"})
        self.assertEqual(left(made, STRICT, "everything"), {"a": b"newtail"})
        self.assertEqual(left(made, STRICT, "meta"), {"a": b"old"})
        self.assertEqual(left(made, STRICT, "size:0"), {"a": b"old\0\0\0\0"})
        self.assertEqual(left(made, STRICT, "size:1"), {"a": bytes(7)})

    def test_ordered_leaves_all_up_to_one_change(self):
        made = disk(*[f"mkdir({text(name)}, 0700) = 0" for name in "abcd"])
        seen = {"".join(left(made, STRICT, f"ordered:{seed}")) for seed in range(60)}
        self.assertEqual(seen, {"", "a", "ab", "abc"})

    def test_reorder_finds_every_combination_and_ext4_keeps_its_order(self):
        made = disk(*[f"mkdir({text(name)}, 0700) = 0" for name in "abc"])
        strict = {"".join(left(made, STRICT, f"reorder:{seed}")) for seed in range(200)}
        ext4 = {"".join(left(made, EXT4, f"reorder:{seed}")) for seed in range(200)}
        self.assertEqual(len(strict), 8)
        self.assertEqual(ext4, {"", "a", "ab", "abc"})

    def test_sectors_come_one_by_one(self):
        plain = "x" * 1024
        made = disk(opening("a", 3), write(3, 0, plain), base={"a": bytes(1024)})
        halves = {(held[0] == 120, held[1023] == 120) for seed in range(60)
                  for held in left(made, EXT4, f"reorder:{seed}").values()}
        self.assertEqual(len(halves), 4)

    def test_junk_and_tearing_stay_within_what_was_written(self):
        made = disk(opening("a", 3), write(3, 10, "x" * 20), base={"a": b"-" * 40})
        for seed in range(60):
            held = left(made, STRICT, f"reorder:{seed}")["a"]
            self.assertEqual((held[:10], held[30:]), (b"-" * 10, b"-" * 10))

    def test_on_ext4_a_file_that_replaces_another_has_its_bytes(self):
        made = disk(*MADE, f"rename({text('a')}, {text('b')}) = 0", base={"b": b"before"})
        found = {left(made, EXT4, f"reorder:{seed}").get("b") for seed in range(80)}
        self.assertEqual(found, {b"before", b"old"})
        strict = {left(made, STRICT, f"reorder:{seed}").get("b") for seed in range(80)}
        self.assertIn(b"", strict)

    def test_on_ext4_bytes_do_not_come_before_the_length_they_were_written_behind(self):
        made = disk(opening("a", 3), "ftruncate(3, 0) = 0", write(3, 0, "new"),
                    base={"a": b"before"})
        found = {left(made, EXT4, f"reorder:{seed}")["a"] for seed in range(80)}
        self.assertEqual(found, {b"before", b"", b"new"})

    def test_parts_of_a_write(self):
        made = disk(opening("a", 3), write(3, 0, "x" * 600))
        point = Point(made, STRICT, 10**6)
        name, written = made.ops
        tree = images.build(point, {name.number: ALL, written.number: Part(512, "old", {0: "new"})})
        self.assertEqual(tree, {"a": b"x" * 512})
        self.assertEqual(images.build(point, {written.number: ALL, name.number: NOTHING}), {})

    def test_the_smallest_image_names_the_one_change_that_matters(self):
        made = disk(*[f"mkdir({text(name)}, 0700) = 0" for name in "abcde"])
        point = Point(made, STRICT, 10**6)
        before = {op.number: ALL for op in made.ops if op.number in (0, 3, 4)}

        def fails(plan: dict) -> bool:
            tree = images.build(point, plan)
            return "c" not in tree and "e" in tree

        word, plan = images.smallest(point, before, fails)
        self.assertEqual((word, [op.number for op in made.ops if op.number not in plan]),
                         ("missing", [2]))


class Judges(unittest.TestCase):
    def setUp(self):
        self.work = workload("puts")
        self.judge = Judge(self.work)
        self.texts = {}
        for said, commits in self.work.states().items():
            self.texts |= {commit: said for commit in commits}

    def outcome(self, rows: str | None, acked: int, begun: int, **more) -> str:
        answer = Answer(more.pop("status", 0), rows, more.pop("step", "reopen"))
        return self.judge.judge(answer, Wanted(acked, begun, **more))[0]

    def test_every_state_is_known(self):
        self.assertEqual(set(self.texts), set(range(len(self.work.commits) + 1)))

    def test_outcomes(self):
        self.assertEqual(self.outcome(self.texts[20], 20, 21), "fine")
        self.assertEqual(self.outcome(self.texts[21], 20, 21), "fine")
        self.assertEqual(self.outcome(self.texts[19], 20, 21), "lost")
        self.assertEqual(self.outcome(self.texts[22], 20, 21), "wrong")
        self.assertEqual(self.outcome("key-000001 bad\n", 20, 21), "wrong")
        self.assertEqual(self.outcome(None, 20, 21, status=1, step="open"), "closed")
        self.assertEqual(self.outcome(None, 20, 21, status=1, step="scan"), "check")
        self.assertEqual(self.outcome(self.texts[20], 20, 21, status=1, step="write"), "stuck")
        self.assertEqual(self.outcome(self.texts[20], 20, 21, status=-11), "died")

    def test_a_row_that_is_missing_in_the_middle_is_a_hole(self):
        lines = self.texts[30].splitlines(keepends=True)
        holes = {self.outcome("".join(lines[:at] + lines[at + 1 :]), 30, 31)
                 for at in range(len(lines))}
        self.assertIn("hole", holes)
        self.assertNotIn("fine", holes)

    def test_after_a_second_cut_the_new_write_stands_on_what_was_seen(self):
        new = "written-afterwards 999999\n"
        at = {"seen": self.texts[20], "must_have_new": True}
        self.assertEqual(self.outcome(self.texts[20] + new, 19, 20, **at), "fine")
        self.assertEqual(self.outcome(self.texts[20], 19, 20, **at), "lost")
        self.assertEqual(self.outcome(self.texts[19] + new, 19, 20, **at), "hole")

    def test_workloads_have_overwrites_deletes_and_batches(self):
        for work in WORKLOADS:
            changes = [change for commit in work.commits for change in commit]
            self.assertTrue(any(change[0] == "delete" for change in changes), work.name)
            keys = [[change[1] for change in commit] for commit in work.commits]
            self.assertTrue(all(len(set(some)) == len(some) for some in keys), work.name)


if __name__ == "__main__":
    found = unittest.main(exit=False, verbosity=0).result
    failed = len(found.failures) + len(found.errors)
    print(f"test result: {'FAILED' if failed else 'ok'}. "
          f"{found.testsRun - failed} passed; {failed} failed;")
    sys.exit(failed > 0)
