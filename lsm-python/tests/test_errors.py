"""Exceptions: what they are besides, what they tell, and that copies tell the same."""

import copy
import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lsmdb
import pytest
from lsmdb import _errors, dbm

FIELDS = ("errno", "strerror", "filename", "path", "offset", "retryable", "maybe_committed")
CLASSES = [
    one
    for name in lsmdb.__all__
    if isinstance(one := getattr(lsmdb, name), type) and issubclass(one, lsmdb.Error)
]


def made(kind: str, code: int | None = None) -> lsmdb.Error:
    """An exception as the engine's errors become it."""
    return _errors.from_engine(kind, "told", (Path("db/file"), 17, code), True, True)


def told(error: BaseException) -> dict[str, Any]:
    """All that an exception says."""
    return {name: getattr(error, name, None) for name in FIELDS} | {
        "class": type(error),
        "args": error.args,
        "text": str(error),
        "more": vars(error),
    }


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ReadOnly", errno.EROFS),
        ("Corruption", errno.EBADMSG),
        ("Format", errno.ENOTSUP),
        ("InvalidArgument", errno.EINVAL),
        ("TooLarge", errno.E2BIG),
        ("Exists", errno.EEXIST),
        ("Io", errno.EIO),
        ("NoSpace", errno.ENOSPC),
        ("Locked", errno.EAGAIN),
        ("Busy", errno.EAGAIN),
        ("TimedOut", errno.ETIMEDOUT),
        ("Closed", errno.EBADF),
        ("Forked", errno.EBADF),
        ("Aborted", errno.ECANCELED),
        ("OutOfMemory", errno.ENOMEM),
        ("Unsupported", errno.ENOTSUP),
        ("Conflict", None),
        ("Internal", None),
        ("not known yet", None),
    ],
)
def test_every_error_has_an_errno(kind: str, code: int | None) -> None:
    assert made(kind).errno == code
    assert made(kind, errno.EMLINK).errno == errno.EMLINK


@pytest.mark.parametrize("one", CLASSES)
def test_one_that_python_makes_tells_alike(one: type[lsmdb.Error]) -> None:
    assert str(one("told")) == "told"
    if issubclass(one, OSError) and not issubclass(one, ValueError):
        error = one(errno.EMLINK, "told", "db/file")
        assert (error.errno, error.strerror, error.filename) == (errno.EMLINK, "told", "db/file")
        assert str(error) == str(one(errno.EMLINK, "told", None)) == "told"


@pytest.mark.parametrize(
    ("code", "known"),
    [
        (errno.ENOTDIR, NotADirectoryError),
        (errno.EACCES, PermissionError),
        (errno.EPERM, PermissionError),
    ],
)
def test_what_the_system_refused_is_what_python_calls_it(code: int, known: type) -> None:
    for kind in ("Io", "Format") if code == errno.ENOTDIR else ("Io",):
        error = made(kind, code)
        assert isinstance(error, known)
        assert isinstance(error, lsmdb.StorageError)
        assert isinstance(error, OSError)
        assert (error.errno, error.filename) == (code, os.path.join("db", "file"))


def test_a_file_in_the_place_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "db"):
        with pytest.raises(NotADirectoryError) as raised:
            lsmdb.open(path)
        assert type(raised.value) is lsmdb.NotADirectory


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do all")
def test_a_directory_that_may_not_be_entered(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(PermissionError) as raised:
        lsmdb.open(tmp_path / "shut" / "db")
    assert type(raised.value) is lsmdb.NoPermission


COPIES: list[Callable[[BaseException], BaseException]] = [copy.copy, copy.deepcopy]
COPIES += [
    lambda error, how=how: pickle.loads(pickle.dumps(error, how))
    for how in range(pickle.HIGHEST_PROTOCOL + 1)
]


@pytest.mark.parametrize("again", COPIES)
def test_a_copy_tells_all_that_the_exception_tells(again: Callable[..., BaseException]) -> None:
    codes = [None, errno.ENOENT, errno.ENOTDIR, errno.EACCES]
    errors = [made(kind, code) for kind in [*_errors._CLASSES, "new"] for code in codes]
    errors += [dbm.error(errno.ENOENT, "told", "db/file"), dbm.error("told")]
    errors += [one("told") for one in CLASSES] + [lsmdb.StorageError(5, "told", "a", None, "b")]
    assert lsmdb.NoDatabase in map(type, errors)
    for error in errors:
        error.add_note("and more")
        assert told(again(error)) == told(error)


def test_a_copy_of_what_an_opening_raised(tmp_path: Path) -> None:
    with pytest.raises(lsmdb.NoDatabase) as raised:
        lsmdb.open(tmp_path / "db", mode="w")
    again = pickle.loads(pickle.dumps(raised.value))
    assert told(again) == told(raised.value)
    assert (again.errno, again.filename) == (errno.ENOENT, str(tmp_path / "db"))
