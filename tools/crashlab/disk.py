"""The file system that a trace describes: files, names, what was done to them, and what was synced.

Two sets of rules say what a sync makes durable.

strict  What POSIX promises: fsync and fdatasync of a file make its bytes and its length durable, of
        a directory its names. Nothing else is promised, and nothing is in order.
ext4    What ext4 does with data=ordered, the usual: names, and lengths set by ftruncate and
        fallocate, reach the disk in the order in which they were changed. A sync of a file makes
        the changes durable up to the last one that concerns this file, and all of them if the
        file has grown. Appended bytes come with the length, in order.
"""

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from trace import Call, TraceError, data, vectors

ROOT = 0
STRICT, EXT4 = "strict", "ext4"
RULES = (EXT4, STRICT)
# What world.c tells stores through mappings with.
WINDOW_FD = 32767


@dataclass
class Op:
    """One change. `at` and `size` are its place in a file, or the new length for "size"."""

    number: int
    time: int
    kind: str
    inode: int
    at: int = 0
    data: bytes = b""
    size: int = 0
    names: tuple = ()
    is_growing: bool = False
    replaced: int | None = None
    # When it was durable, for each set of rules; None for never.
    durable: dict = field(default_factory=dict)

    @property
    def is_name(self) -> bool:
        return self.kind in ("link", "unlink", "rename")

    @property
    def is_journaled(self) -> bool:
        return self.is_name or self.kind == "size"


@dataclass
class Opened:
    inode: int
    position: int = 0
    is_appending: bool = False
    is_synced: bool = False


class Disk:
    """Follows a trace. `base` is what lay on the disk before, all of it durable."""

    def __init__(
        self,
        root: Path,
        base: dict[str, bytes | None],
        ignored: Iterable[str] = (),
        skipped: Iterable[str] = (),
    ):
        self.root = str(root)
        self.names: dict[int, dict[str, int]] = {ROOT: {}}
        self.parents: dict[int, int] = {ROOT: ROOT}
        self.content: dict[int, bytearray] = {}
        self.ops: list[Op] = []
        self.syncs: list[int] = []
        self.marks: list[tuple[int, str, str]] = []
        self.paths: dict[int, str] = {ROOT: "."}
        # Syncs of files whose names end so do nothing: for trying whether that would be noticed.
        self.ignored = tuple(ignored)
        # Files for people to read: no part of any image, and no moment to crash at.
        self.skipped = tuple(skipped)
        self._fds: dict[int, Opened] = {}
        self._windows: dict[int, tuple[int, int, int, int]] = {}
        self._pending_marks = b""
        self.has_windows = False
        self._lay(base)
        self.base_names = {inode: dict(names) for inode, names in self.names.items()}
        self.base_content = {inode: bytes(held) for inode, held in self.content.items()}

    def _lay(self, base: dict[str, bytes | None]) -> None:
        for path in sorted(base):
            folder, name = self._place(ROOT, path)
            inode = self._new(path, base[path] is None, folder)
            self.names[folder][name] = inode
            if base[path] is not None:
                self.content[inode][:] = base[path]

    def _new(self, path: str, is_folder: bool, parent: int) -> int:
        inode = len(self.paths)
        self.paths[inode] = path
        if is_folder:
            self.names[inode] = {}
            self.parents[inode] = parent
        else:
            self.content[inode] = bytearray()
        return inode

    # -- paths

    def _inside(self, path: str) -> str | None:
        if not path.startswith("/"):
            return path
        rest = os.path.relpath(path, self.root)
        return None if rest.startswith("..") else rest

    def _folder(self, arg: str) -> int | None:
        if arg == "AT_FDCWD":
            return ROOT
        opened = self._fds.get(int(arg))
        return opened.inode if opened else None

    def _place(self, folder: int, path: str) -> tuple[int, str]:
        """The directory and the name that a path inside of the root ends in."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        for part in parts[:-1]:
            folder = self.parents[folder] if part == ".." else self.names[folder][part]
        return folder, parts[-1] if parts else "."

    def _resolve(self, at: str, arg: str) -> tuple[int, str] | None:
        """None for what lies outside, or is reached through something that does."""
        path = self._inside(data(arg).decode("utf-8", "surrogateescape"))
        folder = ROOT if path is None or data(arg).startswith(b"/") else self._folder(at)
        if path is None or folder is None or path.startswith("../"):
            return None
        return self._place(folder, path)

    def _find(self, place: tuple[int, str]) -> int | None:
        folder, name = place
        return folder if name == "." else self.names[folder].get(name)

    # -- changes

    def _add(self, call: Call, kind: str, inode: int, **more) -> Op:
        op = Op(len(self.ops), call.time, kind, inode, **more)
        if not self.is_skipped(self.paths[inode]):
            self.ops.append(op)
        return op

    def is_skipped(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(name == skipped or name.startswith(f"{skipped}.") for skipped in self.skipped)

    def _write(self, call: Call, inode: int, at: int, payload: bytes) -> Op | None:
        if not payload:
            return None
        held = self.content[inode]
        is_growing = at + len(payload) > len(held)
        held.extend(bytes(max(0, at - len(held))))
        held[at : at + len(payload)] = payload
        return self._add(call, "write", inode, at=at, data=payload, is_growing=is_growing)

    def _resize(self, call: Call, inode: int, size: int) -> None:
        held = self.content[inode]
        if size == len(held):
            return
        del held[size:]
        held.extend(bytes(size - len(held)))
        self._add(call, "size", inode, size=size)

    def _link(self, call: Call, place: tuple[int, str], inode: int) -> None:
        self.names[place[0]][place[1]] = inode
        self._add(call, "link", inode, names=(place,))

    # -- calls

    def follow(self, calls: Iterable[Call]) -> "Disk":
        for call in calls:
            handler = getattr(self, f"_do_{call.name}", None)
            if handler is None:
                raise TraceError(f"line {call.time}: {call.name} is not understood")
            handler(call)
        return self

    def _opened(self, call: Call, at: str, path: str, flags: str) -> None:
        words = flags.split("|")
        place = self._resolve(at, path)
        if place is None:
            self._fds.pop(call.result, None)
            return
        inode = self._find(place)
        if inode is None:
            if "O_TMPFILE" in words:
                raise TraceError(f"line {call.time}: files without names are not understood")
            inode = self._new(f"{self.paths[place[0]]}/{place[1]}", False, place[0])
            self._link(call, place, inode)
        elif "O_TRUNC" in words and inode in self.content:
            self._resize(call, inode, 0)
        is_synced = "O_SYNC" in words or "O_DSYNC" in words
        self._fds[call.result] = Opened(inode, 0, "O_APPEND" in words, is_synced)

    def _do_open(self, call: Call) -> None:
        self._opened(call, "AT_FDCWD", call.args[0], call.args[1])

    def _do_creat(self, call: Call) -> None:
        self._opened(call, "AT_FDCWD", call.args[0], "O_CREAT|O_TRUNC")

    def _do_openat(self, call: Call) -> None:
        self._opened(call, call.args[0], call.args[1], call.args[2])

    def _do_openat2(self, call: Call) -> None:
        flags = call.args[2].split("flags=")[1].split(",")[0].rstrip("}")
        self._opened(call, call.args[0], call.args[1], flags)

    def _do_close(self, call: Call) -> None:
        self._fds.pop(call.number(0), None)

    def _do_close_range(self, call: Call) -> None:
        for fd in [fd for fd in self._fds if call.number(0) <= fd <= call.number(1)]:
            del self._fds[fd]

    def _do_dup(self, call: Call) -> None:
        self._fds.pop(call.result, None)
        if call.number(0) in self._fds:
            self._fds[call.result] = self._fds[call.number(0)]

    _do_dup2 = _do_dup3 = _do_dup

    def _do_fcntl(self, call: Call) -> None:
        if call.args[1].startswith("F_DUPFD"):
            self._do_dup(call)

    def _do_lseek(self, call: Call) -> None:
        if opened := self._fds.get(call.number(0)):
            opened.position = call.result

    def _written(self, call: Call, payload: bytes, at: int | None, is_synced: bool = False) -> None:
        fd = call.number(0)
        if fd == 1:
            self._mark(call, payload[: call.result])
        opened = self._fds.get(fd)
        if opened is None or opened.inode not in self.content:
            return
        payload = payload[: call.result]
        if at is None or opened.is_appending:
            at = opened.position
            if opened.is_appending:
                at = len(self.content[opened.inode])
            opened.position = at + len(payload)
        op = self._write(call, opened.inode, at, payload)
        if op and (is_synced or opened.is_synced):
            self._synced(call, opened.inode, only=[op])

    def _do_write(self, call: Call) -> None:
        self._written(call, data(call.args[1]), None)

    def _do_pwrite64(self, call: Call) -> None:
        if call.number(0) == WINDOW_FD:
            self._window(call, data(call.args[1]), call.number(3))
        elif call.result >= 0:
            self._written(call, data(call.args[1]), call.number(3))

    def _do_writev(self, call: Call) -> None:
        self._written(call, vectors(call.args[1]), None)

    def _do_pwritev(self, call: Call) -> None:
        self._written(call, vectors(call.args[1]), call.number(3))

    def _do_pwritev2(self, call: Call) -> None:
        is_synced = call.has(4, "RWF_DSYNC") or call.has(4, "RWF_SYNC")
        at = None if call.number(3) == -1 else call.number(3)
        self._written(call, vectors(call.args[1]), at, is_synced)

    def _do_ftruncate(self, call: Call) -> None:
        if opened := self._fds.get(call.number(0)):
            self._resize(call, opened.inode, call.number(1))

    def _do_truncate(self, call: Call) -> None:
        if place := self._resolve("AT_FDCWD", call.args[0]):
            self._resize(call, self._find(place), call.number(1))

    def _do_fallocate(self, call: Call) -> None:
        opened = self._fds.get(call.number(0))
        if opened is None:
            return
        end = call.number(2) + call.number(3)
        if call.args[1] == "0":
            if end > len(self.content[opened.inode]):
                self._resize(call, opened.inode, end)
        elif "PUNCH_HOLE" in call.args[1]:
            end = min(end, len(self.content[opened.inode]))
            if end > call.number(2):
                self._write(call, opened.inode, call.number(2), bytes(end - call.number(2)))
        elif call.args[1] != "FALLOC_FL_KEEP_SIZE":
            raise TraceError(f"line {call.time}: fallocate {call.args[1]} is not understood")

    def _unlinked(self, call: Call, place: tuple[int, str] | None) -> None:
        if place:
            inode = self.names[place[0]].pop(place[1])
            self._add(call, "unlink", inode, names=(place,))

    def _do_unlink(self, call: Call) -> None:
        self._unlinked(call, self._resolve("AT_FDCWD", call.args[0]))

    _do_rmdir = _do_unlink

    def _do_unlinkat(self, call: Call) -> None:
        self._unlinked(call, self._resolve(call.args[0], call.args[1]))

    def _made(self, call: Call, place: tuple[int, str] | None) -> None:
        if place:
            path = f"{self.paths[place[0]]}/{place[1]}"
            self._link(call, place, self._new(path, True, place[0]))

    def _do_mkdir(self, call: Call) -> None:
        self._made(call, self._resolve("AT_FDCWD", call.args[0]))

    def _do_mkdirat(self, call: Call) -> None:
        self._made(call, self._resolve(call.args[0], call.args[1]))

    def _renamed(self, call: Call, old: tuple | None, new: tuple | None) -> None:
        if old is None and new is None:
            return
        if old is None or new is None or any("EXCHANGE" in arg for arg in call.args[4:]):
            raise TraceError(f"line {call.time}: this rename is not understood")
        inode = self.names[old[0]].pop(old[1])
        replaced = self.names[new[0]].get(new[1])
        self.names[new[0]][new[1]] = inode
        self._add(call, "rename", inode, names=(old, new), replaced=replaced)

    def _do_rename(self, call: Call) -> None:
        places = [self._resolve("AT_FDCWD", arg) for arg in call.args[:2]]
        self._renamed(call, *places)

    def _do_renameat(self, call: Call) -> None:
        old = self._resolve(call.args[0], call.args[1])
        self._renamed(call, old, self._resolve(call.args[2], call.args[3]))

    _do_renameat2 = _do_renameat

    def _linked(self, call: Call, old: tuple | None, new: tuple | None) -> None:
        if old and new:
            self._link(call, new, self._find(old))

    def _do_link(self, call: Call) -> None:
        self._linked(call, *[self._resolve("AT_FDCWD", arg) for arg in call.args[:2]])

    def _do_linkat(self, call: Call) -> None:
        old = self._resolve(call.args[0], call.args[1])
        self._linked(call, old, self._resolve(call.args[2], call.args[3]))

    def _do_copy_file_range(self, call: Call) -> None:
        if call.number(0) in self._fds or call.number(2) in self._fds:
            raise TraceError(f"line {call.time}: copies within the kernel are not understood")

    _do_sendfile = _do_splice = _do_copy_file_range

    def _do_sync_file_range(self, call: Call) -> None:
        """It promises nothing: neither lengths nor the cache of the drive."""

    def _ignore(self, call: Call) -> None:
        """Nothing of it reaches the disk."""

    _do_clone = _do_clone3 = _ignore

    def _refuse(self, call: Call) -> None:
        raise TraceError(f"line {call.time}: {call.name} is not understood")

    _do_chdir = _do_fchdir = _do_io_uring_setup = _do_io_submit = _do_symlink = _refuse
    _do_symlinkat = _do_fork = _do_vfork = _refuse

    # -- marks and mappings

    def _mark(self, call: Call, payload: bytes) -> None:
        self._pending_marks += payload
        *lines, self._pending_marks = self._pending_marks.split(b"\n")
        for line in lines:
            word, _, what = line.decode().partition(" ")
            if word in ("begin", "ack"):
                self.marks.append((call.time, word, what))

    def _window(self, call: Call, told: bytes, offset: int) -> None:
        (number,) = struct.unpack_from("<Q", told)
        if number == 0:
            number, fd, address, size = struct.unpack_from("<4Q", told, 8)
            if opened := self._fds.get(fd):
                self._windows[number] = (opened.inode, address, size, offset)
        elif number in self._windows:
            self.has_windows = True
            self._write(call, self._windows[number][0], offset, told[8:])

    # -- syncs

    def _do_fsync(self, call: Call) -> None:
        if opened := self._fds.get(call.number(0)):
            self._synced(call, opened.inode)

    _do_fdatasync = _do_fsync

    def _do_sync(self, call: Call) -> None:
        for inode in list(self.paths):
            self._synced(call, inode)

    _do_syncfs = _do_sync

    def _do_msync(self, call: Call) -> None:
        start, size = call.number(0), call.number(1)
        if not call.has(2, "MS_SYNC"):
            return
        for inode, address, length, offset in self._windows.values():
            if address <= start < address + length:
                first = offset + start - address
                ops = [op for op in self.ops if op.inode == inode and op.kind == "write"]
                last = first + size
                self._synced(call, inode, [
                    op for op in ops if first <= op.at and op.at + len(op.data) <= last
                ])

    def _synced(self, call: Call, inode: int, only: list[Op] | None = None) -> None:
        """A sync returned. It covers what had returned before it began, or `only` some writes."""
        path = self.paths[inode]
        if any(path.endswith(end) for end in self.ignored):
            return
        self.syncs.append(call.time)
        done = [op for op in self.ops if op.time < call.begun]
        covered = [op for op in done if _is_covered(op, inode)] if only is None else only
        pending = [op for op in covered if EXT4 not in op.durable]
        last = max((op.number for op in done if _concerns(op, inode)), default=-1)
        if any(op.is_growing for op in pending):
            last = len(self.ops)
        for op in covered:
            op.durable.setdefault(STRICT, call.time)
            op.durable.setdefault(EXT4, call.time)
        for op in done:
            if op.is_journaled and op.number <= last:
                op.durable.setdefault(EXT4, call.time)

    # -- what lies there in the end

    def tree(self) -> dict[str, bytes | None]:
        return walk(self.names, self.content)


def _is_covered(op: Op, inode: int) -> bool:
    if op.is_name:
        return any(folder == inode for folder, _ in op.names)
    return op.inode == inode


def _concerns(op: Op, inode: int) -> bool:
    """Whether a sync of the file waits for the transaction of this change on ext4."""
    return op.is_journaled and (op.inode == inode or _is_covered(op, inode))


def walk(names: dict, content: dict, inode: int = ROOT, at: str = "") -> dict[str, bytes | None]:
    """Paths and what they hold; None for directories."""
    found: dict[str, bytes | None] = {}
    for name, child in names.get(inode, {}).items():
        if child in content:
            found[at + name] = bytes(content[child])
        else:
            found[at + name] = None
            found.update(walk(names, content, child, f"{at}{name}/"))
    return found


def read_tree(folder: Path) -> dict[str, bytes | None]:
    """What lies in a directory, in the same form."""
    found: dict[str, bytes | None] = {}
    for path in sorted(folder.rglob("*")):
        inside = str(path.relative_to(folder))
        found[inside] = None if path.is_dir() else path.read_bytes()
    return found


def write_tree(folder: Path, tree: dict[str, bytes | None]) -> None:
    for path in sorted(tree):
        if tree[path] is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(tree[path])
