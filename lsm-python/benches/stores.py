"""The stores that `peers.py` compares, each used in its own best way."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Pairs = list[tuple[bytes, bytes]]
CACHE = 64 << 20
MEMTABLE = 16 << 20


class Store:
    """How a store is used, in its own best way. A subclass says what differs."""

    name: str
    module: str
    deletes: int | None = None
    """How many deletions are tried, where all would take too long."""
    ordered = True
    """Keys have an order, and ranges."""

    def __init__(self, path: Path) -> None:
        self.db = self.open(path)

    @classmethod
    def version(cls) -> str:
        """Raises ImportError where the store is not installed."""
        importlib.import_module(cls.module)
        return importlib.metadata.version(cls.module)

    def open(self, path: Path) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self.db.close()

    def put(self, pairs: Pairs) -> None:
        put = self.db.put
        for key, value in pairs:
            put(key, value)

    def write(self, batch: Pairs) -> None:
        raise NotImplementedError

    def get(self, keys: list[bytes]) -> list[bytes]:
        return list(map(self.db.get, keys))

    def get_at_once(self, keys: list[bytes]) -> list[bytes]:
        """All in one snapshot or transaction."""
        with self.db.snapshot() as snapshot:
            return list(map(snapshot.get, keys))

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        return self.get(keys)

    def delete(self, keys: list[bytes]) -> None:
        delete = self.db.delete
        for key in keys:
            delete(key)

    def scan(self) -> Pairs:
        return list(self.db)

    def short(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Goes over what lies at a key and behind it."""
        raise NotImplementedError

    def columns(self, numpy: Any, width: int) -> tuple[Any, Any]:
        """Keys and values as arrays of rows of bytes."""
        keys, values = zip(*self.scan())
        return (
            numpy.frombuffer(b"".join(keys), f"V{len(keys[0])}"),
            numpy.frombuffer(b"".join(values), f"V{width}"),
        )


class Lsmdb(Store):
    name = module = "lsmdb"

    def open(self, path: Path) -> Any:
        import lsmdb

        return lsmdb.open(path, memtable_bytes=MEMTABLE, memory_limit=CACHE + 3 * MEMTABLE)

    @classmethod
    def version(cls) -> str:
        return str(importlib.import_module(cls.module).__version__)

    def put(self, pairs: Pairs) -> None:
        db = self.db
        for key, value in pairs:
            db[key] = value

    def write(self, batch: Pairs) -> None:
        self.db.update(batch)

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        return list(self.db.get_many(keys))

    def scan(self) -> Pairs:
        return list(self.db.items())

    def short(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.db.range(start))

    def columns(self, numpy: Any, width: int) -> tuple[Any, Any]:
        key, _ = self.db.first()
        found: tuple[Any, Any] = self.db.range().to_numpy(key=f"V{len(key)}", value=f"V{width}")
        return found


class Plyvel(Store):
    name = module = "plyvel"

    @classmethod
    def version(cls) -> str:
        engine = importlib.import_module(cls.module).__leveldb_version__
        return f"{super().version()} (LevelDB {engine})"

    def open(self, path: Path) -> Any:
        import plyvel  # type: ignore[import-untyped]

        return plyvel.DB(
            str(path),
            create_if_missing=True,
            write_buffer_size=MEMTABLE,
            lru_cache_size=CACHE,
            bloom_filter_bits=10,
        )

    def write(self, batch: Pairs) -> None:
        with self.db.write_batch() as writer:
            for key, value in batch:
                writer.put(key, value)

    def short(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.db.iterator(start=start))


class Rocksdict(Store):
    name = module = "rocksdict"

    def open(self, path: Path) -> Any:
        import rocksdict

        table = rocksdict.BlockBasedOptions()
        table.set_block_cache(rocksdict.Cache(CACHE))
        table.set_bloom_filter(10, False)
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(MEMTABLE)
        options.set_block_based_table_factory(table)
        return rocksdict.Rdict(str(path), options)

    def write(self, batch: Pairs) -> None:
        import rocksdict

        writer = rocksdict.WriteBatch(raw_mode=True)
        for key, value in batch:
            writer.put(key, value)
        self.db.write(writer)

    def get_at_once(self, keys: list[bytes]) -> list[bytes]:
        return list(map(self.db.snapshot().__getitem__, keys))

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        return list(self.db.get(keys))

    def scan(self) -> Pairs:
        return list(self.db.items())

    def short(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.db.items(from_key=start))


class Lmdb(Store):
    name = module = "lmdb"

    @classmethod
    def version(cls) -> str:
        engine = ".".join(map(str, importlib.import_module(cls.module).version()))
        return f"{super().version()} (LMDB {engine})"

    def open(self, path: Path) -> Any:
        import lmdb

        return lmdb.open(str(path), map_size=8 << 30, sync=False)

    def put(self, pairs: Pairs) -> None:
        for key, value in pairs:
            with self.db.begin(write=True) as transaction:
                transaction.put(key, value)

    def write(self, batch: Pairs) -> None:
        with self.db.begin(write=True) as transaction:
            transaction.cursor().putmulti(batch)

    def get(self, keys: list[bytes]) -> list[bytes]:
        found = []
        for key in keys:
            with self.db.begin() as transaction:
                found.append(transaction.get(key))
        return found

    def get_at_once(self, keys: list[bytes]) -> list[bytes]:
        with self.db.begin() as transaction:
            return list(map(transaction.get, keys))

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        with self.db.begin() as transaction:
            return [value for _, value in transaction.cursor().getmulti(keys)]

    def delete(self, keys: list[bytes]) -> None:
        for key in keys:
            with self.db.begin(write=True) as transaction:
                transaction.delete(key)

    def scan(self) -> Pairs:
        with self.db.begin() as transaction:
            return list(transaction.cursor())

    def short(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self.db.begin() as transaction:
            cursor = transaction.cursor()
            if cursor.set_range(start):
                yield from cursor


class Sqlite(Store):
    name = module = "sqlite3"
    _GET = "SELECT value FROM pairs WHERE key = ?"
    _FROM = "SELECT key, value FROM pairs WHERE key >= ? ORDER BY key"
    _PUT = "REPLACE INTO pairs VALUES (?, ?)"

    @classmethod
    def version(cls) -> str:
        return sqlite3.sqlite_version

    def open(self, path: Path) -> Any:
        path.mkdir(exist_ok=True)
        db = sqlite3.connect(path / "data", isolation_level=None)
        db.execute("PRAGMA journal_mode = wal")
        db.execute("PRAGMA synchronous = off")
        db.execute(f"PRAGMA cache_size = -{CACHE >> 10}")
        db.execute(
            "CREATE TABLE IF NOT EXISTS pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
        )
        return db

    def put(self, pairs: Pairs) -> None:
        execute = self.db.execute
        for pair in pairs:
            execute(self._PUT, pair)

    def write(self, batch: Pairs) -> None:
        self.db.execute("BEGIN")
        self.db.executemany(self._PUT, batch)
        self.db.execute("COMMIT")

    def get(self, keys: list[bytes]) -> list[bytes]:
        execute = self.db.execute
        return [execute(self._GET, (key,)).fetchone()[0] for key in keys]

    def get_at_once(self, keys: list[bytes]) -> list[bytes]:
        self.db.execute("BEGIN")
        found = self.get(keys)
        self.db.execute("COMMIT")
        return found

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        marks = ",".join("?" * len(keys))
        rows = self.db.execute(f"SELECT key, value FROM pairs WHERE key IN ({marks})", keys)
        found = dict(rows)
        return [found[key] for key in keys]

    def delete(self, keys: list[bytes]) -> None:
        execute = self.db.execute
        for key in keys:
            execute("DELETE FROM pairs WHERE key = ?", (key,))

    def scan(self) -> Pairs:
        return list(self.db.execute("SELECT key, value FROM pairs ORDER BY key"))

    def short(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.db.execute(f"{self._FROM} LIMIT 10", (start,)))


class Dbm(Store):
    """The best that the interpreter has: gdbm, SQLite or, in Python itself, `dbm.dumb`."""

    name = module = "dbm"
    ordered = False
    deletes = 20  # For each one, dbm.dumb writes its whole index.
    KINDS = ("dbm.gnu", "dbm.ndbm", "dbm.sqlite3", "dbm.dumb")

    @classmethod
    def _kind(cls) -> Any:
        for kind in cls.KINDS:
            try:
                return importlib.import_module(kind)
            except ImportError:
                continue
        raise ImportError("no dbm")

    @classmethod
    def version(cls) -> str:
        return f"{cls._kind().__name__} of Python {platform.python_version()}"

    def open(self, path: Path) -> Any:
        path.mkdir(exist_ok=True)
        return self._kind().open(str(path / "data"), "c")

    def put(self, pairs: Pairs) -> None:
        db = self.db
        for key, value in pairs:
            db[key] = value

    def write(self, batch: Pairs) -> None:
        self.put(batch)

    def get(self, keys: list[bytes]) -> list[bytes]:
        return list(map(self.db.__getitem__, keys))

    def get_at_once(self, keys: list[bytes]) -> list[bytes]:
        return self.get(keys)

    def delete(self, keys: list[bytes]) -> None:
        db = self.db
        for key in keys:
            del db[key]

    def scan(self) -> Pairs:
        db = self.db
        return sorted((key, db[key]) for key in db.keys())


STORES: list[type[Store]] = [Lsmdb, Plyvel, Rocksdict, Lmdb, Sqlite, Dbm]
