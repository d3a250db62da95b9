"""`lsmdb.plyvel` beside plyvel itself: the same random scripts, and every answer is compared.

What plyvel gets wrong is left out, as the module's documentation says: seeks to the edge of an
iterator's part, and parts of a single entry gone through from behind.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lsmdb import plyvel as ours

theirs = pytest.importorskip("plyvel", reason="plyvel is not installed")

OWN_ERRORS = ("IOError", "CorruptionError", "IteratorInvalidError", "Error")
ODD: tuple[Any, ...] = (None, "text", 7, [], object())
SCRIPTS, STEPS = 60, 120


def key_of(rng: random.Random) -> bytes:
    return bytes(rng.choices(b"ab\xff", k=rng.randint(0, 3)))


def value_of(rng: random.Random) -> bytes:
    return bytes([rng.randrange(256)]) * rng.choice((0, 1, 2, 30, 130, 20_000))


class Player:
    """Plays a script with one of the two modules. Both draw the same numbers."""

    def __init__(self, module: ModuleType, path: Path, seed: int) -> None:
        self.module, self.path = module, str(path)
        self.rng = random.Random(seed)
        self.db: Any = module.DB(self.path, create_if_missing=True)
        self.parts: list[Any] = [self.db]
        self.batches: list[Any] = []
        self.snapshots: list[Any] = []
        self.iterators: list[tuple[Any, list[Any], bool]] = []
        self.raws: list[Any] = []
        self.told: list[object] = []

    def tell(self, call: Callable[[], Any]) -> Any:
        """Notes what the call answers, or the class of what it raises."""
        try:
            answer = call()
        except Exception as error:
            known = [name for name in OWN_ERRORS if isinstance(error, getattr(self.module, name))]
            self.told.append(known[0] if known else type(error).__name__)
            return None
        is_plain = isinstance(answer, (bytes, int, list, tuple, type(None)))
        self.told.append(answer if is_plain else "object")
        return answer

    def play(self) -> list[object]:
        verbs = [getattr(self, name) for name in dir(self) if name.startswith("do_")]
        for _ in range(STEPS):
            verb = self.rng.choice(verbs)
            self.told.append(verb.__name__)
            verb()
        self.tell(lambda: list(self.db))
        self.tell(self.db.close)
        for _ in range(10):
            self.rng.choice(verbs)()
        return self.told

    def do_put(self) -> None:
        part, key, value = self.rng.choice(self.parts), key_of(self.rng), value_of(self.rng)
        sync = self.rng.random() < 0.05
        self.tell(lambda: part.put(key, value, sync=sync))

    do_put_more = do_put_again = do_put

    def do_delete(self) -> None:
        part, key = self.rng.choice(self.parts), key_of(self.rng)
        self.tell(lambda: part.delete(key))

    def do_get(self) -> None:
        source = self.rng.choice(self.parts + self.snapshots)
        key, default = key_of(self.rng), self.rng.choice((None, b"-", 5))
        fill, verify = self.rng.random() < 0.8, self.rng.random() < 0.2
        self.tell(lambda: source.get(key, default, fill_cache=fill, verify_checksums=verify))

    def do_odd(self) -> None:
        part, odd = self.rng.choice(self.parts), self.rng.choice(ODD)
        if self.db.closed:
            return
        calls = (
            lambda: part.put(odd, b""),
            lambda: part.put(b"a", odd),
            lambda: part.get(odd),
            lambda: part.delete(odd),
            lambda: part.prefixed_db(odd),
            lambda: self.db.get_property(odd),
            lambda: self.db.approximate_size(odd, b"a"),
            lambda: self.db.approximate_sizes((b"a",)),
            lambda: part.write_batch().put(odd, b""),
            lambda: part.write_batch().put(b"", odd),
            lambda: part.write_batch().delete(odd),
            lambda: part.write_batch().append(odd),
            lambda: part.iterator().seek(odd),
            lambda: part.iterator(prefix=b"a", start=b"b"),
            lambda: part.iterator(prefix=b"", stop=b""),
            lambda: part.iterator(start="text"),
            lambda: part.iterator(prefix="text"),
            lambda: part.iterator(b"a"),
            lambda: part.put(b"a", b"b", True),
            lambda: part.get(),
        )
        self.tell(self.rng.choice(calls))

    def do_part(self) -> None:
        part, prefix = self.rng.choice(self.parts), key_of(self.rng)
        made = self.tell(lambda: part.prefixed_db(prefix))
        self.tell(lambda: made.prefix)
        if len(self.parts) < 6:
            self.parts.append(made)

    def do_batch(self) -> None:
        part = self.rng.choice(self.parts)
        made = self.tell(lambda: part.write_batch())
        if made is not None:
            self.batches.append(made)

    def do_gather(self) -> None:
        if not self.batches:
            return
        batch, other = self.rng.choice(self.batches), self.rng.choice(self.batches)
        key, value = key_of(self.rng), value_of(self.rng)
        call = self.rng.choice(
            (
                lambda: batch.put(key, bytearray(value)),
                lambda: batch.put(key, value),
                lambda: batch.delete(key),
                lambda: batch.append(other) if batch.approximate_size() < 10**6 else None,
                batch.clear,
                batch.write,
                batch.approximate_size,
            )
        )
        self.tell(call)
        self.tell(batch.approximate_size)

    def do_block(self) -> None:
        part, key = self.rng.choice(self.parts), key_of(self.rng)
        transaction, fails = self.rng.random() < 0.5, self.rng.random() < 0.5

        def block() -> None:
            with part.write_batch(transaction=transaction) as batch:
                batch.put(key, b"of the block")
                if fails:
                    raise KeyError

        self.tell(block)

    def do_snapshot(self) -> None:
        made = self.tell(lambda: self.rng.choice(self.parts).snapshot())
        if made is not None and len(self.snapshots) < 4:
            self.snapshots.append(made)

    def do_close_snapshot(self) -> None:
        if self.snapshots:
            self.tell(self.snapshots.pop().close)

    def do_iterator(self) -> None:
        source = self.rng.choice(self.parts + self.snapshots)
        how: dict[str, Any] = {}
        if self.rng.random() < 0.4:
            how["prefix"] = key_of(self.rng)
        elif self.rng.random() < 0.6:
            how["start"], how["stop"] = (self.rng.choice((None, key_of(self.rng))) for _ in "ab")
        how["include_start"], how["include_stop"] = (self.rng.random() < 0.5 for _ in "ab")
        entries = self.tell(lambda: list(source.iterator(include_value=False, **how)))
        is_free = not how.get("start") and not how.get("stop") and not how.get("prefix")
        how["reverse"] = self.rng.random() < 0.5
        how["include_key"], how["include_value"] = (self.rng.random() < 0.7 for _ in "ab")
        made = self.tell(lambda: source.iterator(**how))
        if made is not None and len(entries) != 1:
            self.tell(lambda: list(source.iterator(**how)))
            self.iterators.append((made, entries, is_free and source is self.db))

    def do_move(self) -> None:
        if not self.iterators:
            return
        iterator, entries, is_free = self.rng.choice(self.iterators[-3:])
        target = key_of(self.rng)
        is_inside = bool(entries) and entries[0] < target <= entries[-1]
        moves = [lambda: next(iterator), lambda: next(iterator), iterator.prev]
        moves += [iterator.seek_to_start, iterator.seek_to_stop]
        if is_free or is_inside:
            moves.append(lambda: iterator.seek(target))
        self.tell(self.rng.choice(moves))

    do_move_more = do_move_again = do_move_on = do_move

    def do_close_iterator(self) -> None:
        if self.iterators and self.rng.random() < 0.3:
            self.tell(self.rng.choice(self.iterators)[0].close)

    def do_raw(self) -> None:
        source = self.rng.choice([self.db, *self.snapshots])
        made = self.tell(source.raw_iterator)
        if made is not None:
            self.raws.append(made)

    def do_raw_move(self) -> None:
        if not self.raws:
            return
        raw, target = self.rng.choice(self.raws[-2:]), key_of(self.rng)
        moves = (raw.next, raw.next, raw.prev, raw.prev, raw.key, raw.value, raw.item)
        seeks = (lambda: raw.seek(target), raw.seek_to_first, raw.seek_to_last)
        self.tell(self.rng.choice(moves + seeks))
        self.tell(raw.valid)

    do_raw_more = do_raw_again = do_raw_on = do_raw_move

    def do_reopen(self) -> None:
        if self.rng.random() < 0.1 and not self.db.closed:
            self.tell(self.db.close)
            self.db = self.module.DB(self.path)
            self.parts = [self.db]

    def do_compact(self) -> None:
        if self.rng.random() < 0.1:
            start, stop = (self.rng.choice((None, key_of(self.rng))) for _ in "ab")
            self.tell(lambda: self.db.compact_range(start=start, stop=stop))


@pytest.mark.parametrize("first", range(0, SCRIPTS, 10))
def test_scripts_have_the_same_answers(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 10):
        their = Player(theirs, tmp_path / f"theirs{seed}", seed).play()
        our = Player(ours, tmp_path / f"ours{seed}", seed).play()
        for step, (wanted, got) in enumerate(zip(their, our, strict=True)):
            assert got == wanted, (
                f"seed {seed}, answer {step}, after {their[max(0, step - 5) : step]}"
            )


OPENINGS: tuple[dict[str, Any], ...] = (
    {},
    {"error_if_exists": True},
    {"create_if_missing": True},
    {"create_if_missing": True, "error_if_exists": True},
    {"create_if_missing": True, "compression": None},
    {"create_if_missing": True, "compression": b"snappy"},
    {"create_if_missing": True, "compression": "lz4"},
    {"create_if_missing": True, "compression": True},
    {"create_if_missing": True, "write_buffer_size": -1},
    {"create_if_missing": True, "write_buffer_size": "x"},
    {"create_if_missing": True, "write_buffer_size": 0, "lru_cache_size": 0, "block_size": 0},
    {"create_if_missing": True, "lru_cache_size": -1},
    {"create_if_missing": True, "block_size": 1 << 20, "max_open_files": 1},
    {"create_if_missing": True, "bloom_filter_bits": None},
    {"create_if_missing": True, "bloom_filter_bits": 1000},
    {"create_if_missing": True, "bloom_filter_bits": -1},
    {"create_if_missing": True, "paranoid_checks": True, "block_restart_interval": 3},
    {"create_if_missing": True, "max_file_size": 1},
    {"create_if_missing": True, "comparator": len},
    {"create_if_missing": True, "comparator_name": b"x"},
    {"create_if_missing": True, "comparator": len, "comparator_name": "x"},
    {"create_if_missing": True, "unknown": 1},
)


def opened(module: ModuleType, path: Path | object, how: dict[str, Any]) -> str:
    player_errors = [getattr(module, name) for name in OWN_ERRORS]
    try:
        module.DB(path, **how).close()
    except Exception as error:
        known = [cls.__name__ for cls in player_errors if isinstance(error, cls)]
        return known[0] if known else type(error).__name__
    return "opened"


@pytest.mark.parametrize("how", OPENINGS, ids=str)
@pytest.mark.parametrize("is_there", [False, True])
def test_openings_end_alike(tmp_path: Path, how: dict[str, Any], is_there: bool) -> None:
    ends = []
    for module in (theirs, ours):
        path = str(tmp_path / module.__name__)
        if is_there:
            module.DB(path, create_if_missing=True).close()
        ends.append(opened(module, path, how))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("name", [1, None, b"", ""], ids=repr)
def test_names_are_refused_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: object
) -> None:
    monkeypatch.chdir(tmp_path)
    assert opened(theirs, name, {}) == opened(ours, name, {})


def test_the_second_who_opens_fails_alike(tmp_path: Path) -> None:
    for module in (theirs, ours):
        path = str(tmp_path / module.__name__)
        with module.DB(path, create_if_missing=True):
            with pytest.raises(module.IOError) as caught:
                module.DB(path)
            assert isinstance(caught.value, OSError)
            with pytest.raises(module.IOError):
                module.destroy_db(path)
        module.destroy_db(path)
        assert not Path(path).exists()


def test_public_names_are_all_here() -> None:
    assert {name for name in dir(theirs) if not name.startswith("_")} <= set(dir(ours))
    for name in ("__version__", "__leveldb_version__"):
        assert isinstance(getattr(ours, name), str)


def test_methods_are_all_here(tmp_path: Path) -> None:
    def objects(module: ModuleType) -> list[Any]:
        db = module.DB(str(tmp_path / module.__name__), create_if_missing=True)
        part = db.prefixed_db(b"a")
        made = [db, part, db.snapshot(), db.write_batch(), db.iterator(), db.raw_iterator()]
        return [*made, module.Error, module.IOError, module.IteratorInvalidError]

    for their, our in zip(objects(theirs), objects(ours), strict=True):
        wanted = {name for name in dir(their) if not name.startswith("_")}
        wanted |= {"__enter__", "__exit__", "__iter__", "__next__"} & set(dir(their))
        assert wanted <= set(dir(our)), type(our)


def test_errors_have_the_same_bases() -> None:
    for name in OWN_ERRORS:
        bases = [[cls.__name__ for cls in getattr(it, name).__mro__] for it in (theirs, ours)]
        assert bases[0] == bases[1]


def test_their_pairs_are_copied_by_the_lines_of_the_documentation(tmp_path: Path) -> None:
    pairs = [(b"%04d" % number, b"v" * number) for number in range(500)]
    with theirs.DB(str(tmp_path / "old"), create_if_missing=True) as old:
        for key, value in pairs:
            old.put(key, value)
    assert ours.__doc__ is not None
    lines = ours.__doc__.split("import lsmdb.plyvel\n\n", 1)[1].split("\n\n`lsmdb.open", 1)[0]
    program = "import plyvel\nimport lsmdb.plyvel\n" + _dedented(lines)
    program = program.replace('"old"', repr(str(tmp_path / "old")))
    program = program.replace('"new"', repr(str(tmp_path / "new")))
    exec(compile(program, "documentation", "exec"), {})
    with ours.DB(tmp_path / "new") as new:
        assert list(new) == pairs


def _dedented(lines: str) -> str:
    return "".join(line[4:] + "\n" for line in lines.splitlines())


def test_leveldbs_own_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    with theirs.DB(str(tmp_path / "db"), create_if_missing=True) as db:
        db.put(b"key", b"value")
    before = {path.name: path.read_bytes() for path in (tmp_path / "db").iterdir()}
    for attempt in (
        lambda: ours.DB(tmp_path / "db", create_if_missing=True),
        lambda: ours.DB(tmp_path / "db"),
        lambda: ours.destroy_db(tmp_path / "db"),
        lambda: ours.repair_db(tmp_path / "db"),
    ):
        with pytest.raises(ours.Error, match="LevelDB's own format"):
            attempt()
    assert {path.name: path.read_bytes() for path in (tmp_path / "db").iterdir()} == before
