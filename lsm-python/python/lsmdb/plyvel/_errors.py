"""The exceptions of plyvel, and which error of the engine becomes which of them."""

import builtins
from collections.abc import Iterator
from contextlib import contextmanager

from lsmdb import _errors as engine


class Error(Exception):
    """Something that the database refused or failed to do.

    >>> from lsmdb import plyvel
    >>> issubclass(plyvel.CorruptionError, plyvel.Error)
    True
    """


class IOError(Error, builtins.IOError):
    """The file system refused or failed to do something.

    >>> from lsmdb import plyvel
    >>> issubclass(plyvel.IOError, OSError)
    True
    """


class CorruptionError(Error):
    """Bytes of the database are not those that were written.

    >>> from lsmdb import plyvel
    >>> issubclass(plyvel.CorruptionError, OSError)
    False
    """


class IteratorInvalidError(Error):
    """A raw iterator stands on no entry.

    >>> import lsmdb.plyvel
    >>> with lsmdb.plyvel.DB("empty", create_if_missing=True) as db:
    ...     db.raw_iterator().key()
    Traceback (most recent call last):
    lsmdb.plyvel.IteratorInvalidError: the iterator stands on no entry
    """


for _public in (Error, IOError, CorruptionError, IteratorInvalidError):
    _public.__module__ = "lsmdb.plyvel"


def told(error: engine.Error) -> Exception:
    """The exception that plyvel has for an error of the engine."""
    message = str(error)
    if isinstance(error, engine.Closed):
        return RuntimeError(message)
    if isinstance(error, engine.Corruption):
        return CorruptionError(message)
    if isinstance(error, (engine.StorageError, engine.Locked)):
        return _io_error(error, message)
    return Error(message)


def _io_error(error: engine.StorageError | engine.Locked, message: str) -> IOError:
    if error.errno is None:
        return IOError(message)
    return IOError(error.errno, message, error.path)


@contextmanager
def telling() -> Iterator[None]:
    """Raises plyvel's exceptions for the engine's; for calls that are not in a hurry."""
    try:
        yield
    except engine.Error as error:
        raise told(error) from error


def copied(data: object) -> bytes:
    """The bytes of a key or a value, for keeping."""
    return data if type(data) is bytes else memoryview(data).tobytes()  # type: ignore[arg-type]
