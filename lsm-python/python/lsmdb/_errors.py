"""The exceptions, and the one table from the engine's kinds of errors to them."""

import errno as _errno
import os
from typing import Any, Final


class Error(Exception):
    """The root of all exceptions of lsmdb."""

    retryable: bool = False
    """The same call may succeed later with nothing else changed."""
    maybe_committed: bool = False
    """The write that failed may be found after a restart all the same."""
    path: str | None = None
    """The file concerned, if one is."""
    offset: int | None = None
    """The byte of that file where the trouble begins."""
    errno: int | None = None
    """What the operating system said, or would say of the like; None if nothing is like it."""

    def __init_subclass__(cls) -> None:
        if issubclass(cls, OSError):
            # Read from the arguments, which a default further up would hide.
            cls.errno = OSError.errno

    def __str__(self) -> str:
        # An OSError is made of a number, what it says, and paths.
        said = self.args[1:2] or self.args
        return str(said[0]) if said else ""

    def __reduce__(self) -> tuple[Any, ...]:
        # An OSError of its own accord keeps what was among its arguments, and no more.
        told = vars(self).copy()
        if isinstance(self, OSError):
            told |= {name: getattr(self, name) for name in _TOLD}
        return type(self), self.args, told


class InvalidArgument(Error, ValueError):
    """The call must be mended."""

    errno: int | None = _errno.EINVAL


class TooLarge(InvalidArgument):
    """A documented limit was exceeded, as by a key of more than 64 KiB."""

    errno = _errno.E2BIG


class NoDatabase(InvalidArgument, FileNotFoundError):
    """There is no database where one must be."""


class Exists(Error, FileExistsError):
    """There is a database already where none may be."""


class Unsupported(Error, NotImplementedError):
    """This platform, medium or build cannot do it."""

    errno = _errno.ENOTSUP


class StorageError(Error, OSError):
    """The operating system failed: `errno` says how, `path` where."""


class NoSpace(StorageError):
    """The disk is full."""


class NotADirectory(StorageError, NotADirectoryError):
    """A file lies where a directory must be."""


class NoPermission(StorageError, PermissionError):
    """The operating system does not allow it."""


class Corruption(Error):
    """Stored bytes are wrong: `path` and `offset` say where."""

    errno = _errno.EBADMSG


class Locked(Error, BlockingIOError):
    """Somebody else has the database open."""


class Busy(Error, BlockingIOError):
    """It cannot be had right now without waiting."""


class Conflict(Error):
    """A condition did not hold: read again and retry."""


class Timeout(Error, TimeoutError):
    """The time that the call may take has passed."""


class Closed(Error, ValueError):
    """The database, or what the object depends on, was closed."""

    errno = _errno.EBADF


class ForkedProcess(Closed):
    """It was opened before a fork, by the parent process: open it anew."""


class ReadOnly(Error):
    """Opened to be read only, or turned so by a fault: see `DB.fault` and `DB.resume`."""

    errno = _errno.EROFS


class FormatTooNew(Error):
    """Not a database of lsm, or written by a newer version."""

    errno = _errno.ENOTSUP


class Aborted(Error):
    """The call was stopped by its caller."""

    errno = _errno.ECANCELED


class OutOfMemory(Error, MemoryError):
    """Memory could not be had."""

    errno = _errno.ENOMEM


class InternalError(Error, RuntimeError):
    """A bug in lsm: please report it."""


_CLASSES: Final[dict[str, type[Error]]] = {
    "InvalidArgument": InvalidArgument,
    "Unsupported": Unsupported,
    "Io": StorageError,
    "NoSpace": NoSpace,
    "Corruption": Corruption,
    "Locked": Locked,
    "Conflict": Conflict,
    "TimedOut": Timeout,
    "Closed": Closed,
    "ReadOnly": ReadOnly,
    "Format": FormatTooNew,
    "TooLarge": TooLarge,
    "Aborted": Aborted,
    "OutOfMemory": OutOfMemory,
    "Busy": Busy,
    "Exists": Exists,
    "Forked": ForkedProcess,
    "Internal": InternalError,
}

# What the operating system has said in words that Python has a class for.
_SAID: Final[dict[int | None, type[Error]]] = {
    _errno.ENOTDIR: NotADirectory,
    _errno.EACCES: NoPermission,
    _errno.EPERM: NoPermission,
}

# What an OSError holds beside its dict.
_TOLD: Final = ("errno", "strerror", "filename", "filename2")

# What `errno` says in an OSError where the operating system has said nothing.
_ERRNO: Final[dict[type[Error], int]] = {
    Exists: _errno.EEXIST,
    StorageError: _errno.EIO,
    NoSpace: _errno.ENOSPC,
    Locked: _errno.EAGAIN,
    Busy: _errno.EAGAIN,
    Timeout: _errno.ETIMEDOUT,
}


def from_engine(
    kind: str,
    message: str,
    place: tuple[os.PathLike[str] | None, int | None, int | None],
    retryable: bool,
    maybe_committed: bool,
) -> Error:
    """The exception for an error of the engine; `place` is path, offset and errno."""
    found, offset, code = place
    path = None if found is None else os.fspath(found)
    made = _class(kind, code)
    if issubclass(made, OSError):
        number = code or _ERRNO.get(made, _errno.EIO)
        error: Error = made(number, message)
        # What is a ValueError first does not read its arguments as an OSError does.
        told = {"errno": number, "strerror": message, "filename": path}
        for name, value in told.items():
            setattr(error, name, value)
    else:
        error = made(message)
        error.errno = code or made.errno
    error.path, error.offset = path, offset
    error.retryable, error.maybe_committed = retryable, maybe_committed
    return error


def _class(kind: str, code: int | None) -> type[Error]:
    made = _CLASSES.get(kind, Error)
    if made is InvalidArgument and code == _errno.ENOENT:
        return NoDatabase
    if made is StorageError or (made is FormatTooNew and code == _errno.ENOTDIR):
        return _SAID.get(code, StorageError)
    return made
