"""Reads what strace wrote: one Call for each system call, in the order in which they returned."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# What a file system or an acknowledgement can depend on. Reads are of no interest.
CALLS = (
    "open,openat,openat2,creat,close,close_range,dup,dup2,dup3,fcntl,chdir,fchdir,"
    "write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,truncate,fallocate,"
    "copy_file_range,sendfile,splice,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,msync,sync,syncfs,sync_file_range,"
    "io_uring_setup,io_submit,clone,clone3,fork,vfork"
)
STRACE = ["strace", "-f", "-xx", "-s", "16777216", "-e", "signal=none", "-e", f"trace={CALLS}"]

_WHOLE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\w+)(?: .*)?$", re.S)
_BEGUN = re.compile(r"^(\d+) +(\w+)\((.*)<unfinished \.\.\.>$", re.S)
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$", re.S)
_PIECE = re.compile(r'"[^"]*"|[\[{(]|[\]})]|,')


class TraceError(Exception):
    """The trace has something that is not understood: going on would prove nothing."""


@dataclass
class Call:
    """One system call. `begun` and `time` are the lines at which it began and returned."""

    name: str
    args: list[str]
    result: int
    begun: int
    time: int

    def number(self, place: int) -> int:
        return int(self.args[place], 0)

    def text(self, place: int) -> str:
        return data(self.args[place]).decode("utf-8", "surrogateescape")

    def has(self, place: int, flag: str) -> bool:
        return place < len(self.args) and flag in self.args[place].split("|")


def data(arg: str) -> bytes:
    """The bytes of a string that strace has written in hexadecimal digits."""
    if not arg.startswith('"') or not arg.endswith('"'):
        raise TraceError(f"this string is not whole: {arg[:80]}")
    return bytes.fromhex(arg[1:-1].replace("\\x", ""))


def vectors(arg: str) -> bytes:
    """The bytes of an array of iovec, one behind the other."""
    if "..." in re.sub(r'"[^"]*"', "", arg):
        raise TraceError("this vector is not whole")
    return b"".join(data(found) for found in re.findall(r'iov_base=("[^"]*")', arg))


def split(args: str) -> list[str]:
    """Arguments, parted at the commas that stand in no bracket and no string."""
    found, depth, start = [], 0, 0
    for piece in _PIECE.finditer(args):
        text = piece.group()
        if text in "[{(":
            depth += 1
        elif text in "]})":
            depth -= 1
        elif text == "," and depth == 0:
            found.append(args[start : piece.start()].strip())
            start = piece.end()
    last = args[start:].strip()
    return [*found, last] if last or found else []


def read(lines: Iterable[str]) -> Iterator[Call]:
    """All calls that returned without error."""
    open_calls: dict[str, tuple[str, str, int]] = {}
    for time, raw in enumerate(lines, 1):
        line = raw.rstrip("\n")
        if begun := _BEGUN.match(line):
            thread, name, args = begun.groups()
            open_calls[thread] = (name, args, time)
            if name == "close":
                # Another thread may be given the same number before this call has returned.
                yield Call(name, split(args), 0, time, time)
            continue
        started = time
        if resumed := _RESUMED.match(line):
            thread, name, rest = resumed.groups()
            same, args, started = open_calls.pop(thread)
            if same != name:
                raise TraceError(f"line {time}: {name} returns, and {same} was called")
            line = f"{thread} {name}({args}{rest}"
        whole = _WHOLE.match(line)
        if not whole:
            if re.match(r"^\d+ +(\+\+\+|---) ", line) or line.endswith("= ?"):
                continue
            raise TraceError(f"line {time} is not understood: {line[:120]}")
        _, name, args, result = whole.groups()
        if result == "?":
            continue
        value = int(result, 0)
        if name == "close" and started != time:
            continue
        if value >= 0 or name == "pwrite64":
            yield Call(name, split(args), value, started, time)
