"""Random calls of everything that writes and reads, against sorted dictionaries."""

import shutil
import tempfile
from pathlib import Path

import lsmdb
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

KEYS = st.binary(max_size=3) | st.sampled_from([b"a", b"ab", b"b", b"\xff"])
VALUES = st.binary(max_size=40) | st.integers(0, 9000).map(bytes)
SPACES = st.sampled_from(["", "one", "two"])

Pairs = dict[bytes, bytes]


class Engine(RuleBasedStateMachine):
    """One database, and what should be in each of its keyspaces."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.model: dict[str, Pairs] = {"": {}, "one": {}, "two": {}}
        self.snapshots: list[tuple[lsmdb.Snapshot, dict[str, Pairs]]] = []
        self.open()

    def open(self) -> None:
        self.db = lsmdb.open(self.home / "db", memory_limit=16 << 20)

    def space(self, name: str) -> lsmdb.Writable:
        return self.db.keyspace(name) if name else self.db

    @rule(name=SPACES, key=KEYS, value=VALUES)
    def put(self, name: str, key: bytes, value: bytes) -> None:
        self.space(name)[key] = value
        self.model[name][key] = value

    @rule(name=SPACES, key=KEYS)
    def delete(self, name: str, key: bytes) -> None:
        del self.space(name)[key]
        self.model[name].pop(key, None)

    @rule(name=SPACES, ends=st.tuples(st.none() | KEYS, st.none() | KEYS))
    def delete_range(self, name: str, ends: tuple[bytes | None, bytes | None]) -> None:
        start, stop = ends
        del self.space(name)[start:stop]
        inside = [
            key
            for key in self.model[name]
            if (start is None or key >= start) and (stop is None or key < stop)
        ]
        for key in inside:
            del self.model[name][key]

    @rule(name=SPACES, pairs=st.dictionaries(KEYS, VALUES, max_size=6))
    def update(self, name: str, pairs: Pairs) -> None:
        self.space(name).update(pairs)
        self.model[name].update(pairs)

    @rule(
        writes=st.lists(st.tuples(SPACES, KEYS, st.none() | VALUES), max_size=6),
        fails=st.booleans(),
    )
    def batch(self, writes: list[tuple[str, bytes, bytes | None]], fails: bool) -> None:
        after = {name: dict(pairs) for name, pairs in self.model.items()}
        try:
            with self.db.batch() as batch:
                for name, key, value in writes:
                    keyspace = self.db.keyspace(name) if name else None
                    if value is None:
                        batch.delete(key, keyspace=keyspace)
                        after[name].pop(key, None)
                    else:
                        batch.put(key, value, keyspace=keyspace)
                        after[name][key] = value
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            return
        self.model = after

    @rule()
    def snapshot(self) -> None:
        if len(self.snapshots) < 3:
            seen = {name: dict(pairs) for name, pairs in self.model.items()}
            self.snapshots.append((self.db.snapshot(), seen))

    @rule(name=SPACES)
    def look_back(self, name: str) -> None:
        for snapshot, seen in self.snapshots:
            view = self.space(name).at(snapshot)
            assert list(view.items()) == sorted(seen[name].items())
            if not name:
                assert list(snapshot.items()) == sorted(seen[""].items())

    @rule()
    def flush(self) -> None:
        self.db.flush()

    @rule(name=SPACES)
    def compact(self, name: str) -> None:
        self.space(name).compact()

    @rule()
    def again(self) -> None:
        self.snapshots.clear()
        self.db.close()
        self.open()

    @rule(name=SPACES, keys=st.lists(KEYS, max_size=8))
    def read(self, name: str, keys: list[bytes]) -> None:
        space, model = self.space(name), self.model[name]
        expected = [model.get(key) for key in keys]
        assert [space.get(key) for key in keys] == expected
        assert space.get_many(keys) == expected
        assert [key in space for key in keys] == [key in model for key in keys]

    @invariant()
    def agrees(self) -> None:
        for name, pairs in getattr(self, "model", {}).items():
            assert list(self.space(name).items()) == sorted(pairs.items())

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.snapshots.clear()
            self.db.close()
            shutil.rmtree(self.home)


Engine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestEngine = Engine.TestCase
