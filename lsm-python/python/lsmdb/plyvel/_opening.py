"""Opening, repairing and destroying, and what plyvel's options become.

The files are those of the C library with LevelDB's interface: pairs in one keyspace, the name of
the comparator in another. Each opens what the other has made.
"""

from __future__ import annotations

import operator
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import lsmdb
from lsmdb import _errors as engine
from lsmdb.plyvel._errors import Error, telling

#: The keyspace of the pairs, and the one of what is to be remembered about them.
PAIRS = "leveldb"
ABOUT = "leveldb.about"
COMPARATOR = b"comparator"
BYTEWISE = b"leveldb.BytewiseComparator"

MIB = 1 << 20
#: What LevelDB takes when nothing is said.
USUAL_BUFFER, USUAL_CACHE = 4 * MIB, 8 * MIB
#: The buffer that is being filled and those that wait; what the engine needs beside them.
BUFFERS, BESIDE = 4, 8 * MIB
MEMORY_MIN = 16 * MIB
#: No cache is taken for larger than this: a program may pass any number.
CACHE_MAX = 1 << 40
BITS_MAX = 32
#: What LevelDB takes at least.
FILES_MIN = 74

Name = str | bytes | os.PathLike[str]
Mode = Literal["w", "c", "x"]


@dataclass(frozen=True)
class Opening:
    """plyvel's options. What is not named here has no counterpart, and is taken without effect."""

    write_buffer_size: int | None = None
    lru_cache_size: int | None = None
    max_open_files: int | None = None
    block_size: int | None = None
    compression: str | bytes | None = "snappy"
    bloom_filter_bits: int = 0
    comparator: object = None
    comparator_name: bytes | None = None

    def check(self) -> None:
        """Refuses what plyvel refuses, and orders of keys that the engine does not have."""
        for size in (self.write_buffer_size, self.lru_cache_size, self.block_size):
            if size is not None and operator.index(size) < 0:
                raise OverflowError("a size is not negative")
        operator.index(self.bloom_filter_bits)
        if not isinstance(self.compression, (str, bytes, type(None))):
            raise TypeError("'compression' must be None or a string")
        if self.compression not in (None, "snappy", b"snappy"):
            raise ValueError("'compression' must be None or 'snappy'")
        self._check_comparator()

    def _check_comparator(self) -> None:
        name = self.comparator_name
        if not isinstance(name, (bytes, type(None))):
            raise TypeError("'comparator_name' must be a byte string")
        if (self.comparator is None) != (name is None):
            raise ValueError("'comparator' and 'comparator_name' must be specified together")
        if name not in (None, BYTEWISE):
            raise Error(
                "keys are ordered by their bytes, and in no other way: a comparator is taken only "
                f"with the comparator_name {BYTEWISE!r}; keys of lsmdb.codecs have other orders"
            )

    def options(self) -> lsmdb.Options:
        """What is chosen for the whole database."""
        files = self.max_open_files
        options = lsmdb.Options(open_files_max=None if files is None else max(files, FILES_MIN))
        if self.write_buffer_size is None and self.lru_cache_size is None:
            return options
        buffer, limit = self._memory()
        return replace(options, memtable_bytes=buffer, memory_limit=limit)

    def _memory(self) -> tuple[int, int]:
        asked = USUAL_BUFFER if self.write_buffer_size is None else self.write_buffer_size
        buffer = min(max(asked, 64 << 10), 1 << 30)
        cache = USUAL_CACHE if self.lru_cache_size is None else min(self.lru_cache_size, CACHE_MAX)
        limit = max(cache + BUFFERS * buffer + BESIDE, MEMORY_MIN)
        return buffer, limit

    def keyspace(self) -> lsmdb.KeyspaceOptions:
        """What is chosen for the pairs, when the database is made."""
        options = lsmdb.KeyspaceOptions(compression="none" if self.compression is None else "lz4")
        if self.block_size is not None:
            options = replace(options, block_bytes=min(max(self.block_size, 1 << 10), 64 << 10))
        if self.bloom_filter_bits > 0:
            options = replace(options, filter_bits_per_key=min(self.bloom_filter_bits, BITS_MAX))
        return options


def directory(name: Name) -> Path:
    """The path, refused if LevelDB's own files are there: they are neither read nor changed."""
    if not isinstance(name, (str, bytes, os.PathLike)):
        raise TypeError("'name' arg must be a byte string or a unicode string")
    path = Path(os.fsdecode(name))
    if (path / "CURRENT").exists():
        raise Error(
            f"{path}: this database is in LevelDB's own format, which is neither read nor changed "
            "here; the documentation of lsmdb.plyvel shows how to copy it"
        )
    return path


def opened(name: Name, mode: Mode, opening: Opening) -> lsmdb.DB:
    """The database, with its comparator checked."""
    opening.check()
    path = directory(name)
    with telling():
        try:
            native = lsmdb.DB(path, mode=mode, options=opening.options())
        except engine.NoDatabase as error:
            raise Error(f"{path}: does not exist (create_if_missing is false)") from error
        except engine.Exists as error:
            raise Error(f"{path}: exists (error_if_exists is true)") from error
        _check_order(native)
        return native


def _check_order(native: lsmdb.DB) -> None:
    about = native.keyspace(ABOUT)
    known = about.get(COMPARATOR)
    if known is None:
        about.put(COMPARATOR, BYTEWISE, durability="durable")
    elif known != BYTEWISE:
        native.close()
        raise Error(f"{BYTEWISE!r} does not match the existing comparator {known!r}")


def pairs_of(native: lsmdb.DB, opening: Opening) -> lsmdb.Keyspace:
    """The keyspace of the pairs. One that is there keeps the options that it was made with."""
    is_there = PAIRS in native.keyspaces()
    return native.keyspace(PAIRS) if is_there else native.keyspace(PAIRS, opening.keyspace())


def destroy_db(name: Name) -> None:
    """Deletes a database, and its directory if nothing else is in it. It is no error if there is
    none.

    >>> from lsmdb import plyvel
    >>> plyvel.DB("users", create_if_missing=True).close()
    >>> plyvel.destroy_db("users")
    >>> plyvel.DB("users")
    Traceback (most recent call last):
    lsmdb.plyvel.Error: users: does not exist (create_if_missing is false)
    """
    path = directory(name)
    with telling():
        try:
            left = lsmdb.destroy(path)
        except engine.InvalidArgument:
            # There is none, or something else is there.
            return
    if not left:
        with suppress(OSError):
            path.rmdir()


def repair_db(
    name: Name,
    *,
    paranoid_checks: bool | None = None,
    write_buffer_size: int | None = None,
    max_open_files: int | None = None,
    lru_cache_size: int | None = None,
    block_size: int | None = None,
    block_restart_interval: int | None = None,
    max_file_size: int | None = None,
    compression: str | bytes | None = "snappy",
    bloom_filter_bits: int = 0,
    comparator: object = None,
    comparator_name: bytes | None = None,
) -> None:
    """Opens the database, which recovers what a crash left, checks every byte of it, and closes it.
    Damage is a `CorruptionError`: nothing that may be the only copy of something is thrown away.
    As in LevelDB, an empty database comes of none.

    >>> from lsmdb import plyvel
    >>> plyvel.DB("users", create_if_missing=True).close()
    >>> plyvel.repair_db("users")
    """
    opening = Opening(
        write_buffer_size=write_buffer_size,
        lru_cache_size=lru_cache_size,
        max_open_files=max_open_files,
        block_size=block_size,
        compression=compression,
        bloom_filter_bits=bloom_filter_bits,
        comparator=comparator,
        comparator_name=comparator_name,
    )
    native = opened(name, "c", opening)
    with telling(), native:
        pairs_of(native, opening)
        native.verify()
