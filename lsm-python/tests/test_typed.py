"""Typed views: the mapping protocol, ranges, batches, and a sorted dict to compare with."""

import bisect
import collections.abc
import datetime as dt
import json

import lsmdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsmdb import codecs

SMALL = st.integers(-40, 40)


@pytest.fixture
def db(tmp_path):
    with lsmdb.open(tmp_path / "db") as opened:
        yield opened


@pytest.fixture
def ages(db):
    view = codecs.typed(db.keyspace("ages"), key=str, value=int)
    view.update({"eve": 30, "ada": 36, "bob": 41})
    return view


def test_it_is_a_mutable_mapping(ages):
    assert isinstance(ages, collections.abc.MutableMapping)
    assert ages["ada"] == 36
    assert "ada" in ages
    assert "zoe" not in ages
    assert len(ages) == 3
    assert list(ages) == ["ada", "bob", "eve"]
    assert list(reversed(ages)) == ["eve", "bob", "ada"]
    assert ages == {"ada": 36, "bob": 41, "eve": 30}
    assert ages != {"ada": 36}
    assert dict(ages) == {"ada": 36, "bob": 41, "eve": 30}
    with pytest.raises(KeyError) as raised:
        ages["zoe"]
    assert raised.value.args == ("zoe",)
    with pytest.raises(TypeError):
        hash(ages)


def test_what_is_not_a_mapping_of_bytes_is_refused(db, ages):
    for source in (None, {}, {b"a": b"b"}, [], db.range(), db.path, ages, codecs, lsmdb.DB):
        with pytest.raises(TypeError, match="a database, a keyspace or a view of one"):
            codecs.typed(source, key=str, value=int)
    with pytest.raises(TypeError, match=r"\.into\(batch\)"):
        codecs.typed(db.batch(), key=str, value=int)
    for source, kind in [(db, codecs.Typed), (db.default, codecs.Typed)]:
        assert type(codecs.typed(source, key=str, value=int)) is kind
    with db.snapshot() as snapshot:
        for source in (snapshot, db.at(snapshot), db.reading()):
            assert type(codecs.typed(source, key=str, value=int)) is codecs.TypedReader


def test_get_and_get_many(ages):
    assert ages.get("zoe") is None
    assert ages.get("zoe", 7) == 7
    assert ages.get("ada", 7) == 36
    assert ages.get_many(["eve", "zoe", "ada", "eve"]) == [30, None, 36, 30]
    assert ages.get_many(["zoe"], "nobody") == ["nobody"]
    assert ages.get_many(iter(())) == []


def test_views_of_keys_values_and_items(ages):
    assert list(ages.keys()) == ["ada", "bob", "eve"]
    assert list(reversed(ages.keys())) == ["eve", "bob", "ada"]
    assert ages.keys() & {"ada", "zoe"} == {"ada"}
    assert ages.keys() | {"zoe"} == {"ada", "bob", "eve", "zoe"}
    assert list(ages.values()) == [36, 41, 30]
    assert list(reversed(ages.values())) == [30, 41, 36]
    assert 41 in ages.values()
    assert 42 not in ages.values()
    assert list(ages.items()) == [("ada", 36), ("bob", 41), ("eve", 30)]
    assert list(reversed(ages.items())) == [("eve", 30), ("bob", 41), ("ada", 36)]
    assert ("ada", 36) in ages.items()
    assert ("ada", 37) not in ages.items()
    assert ("zoe", 36) not in ages.items()
    assert len(ages.keys()) == len(ages.values()) == len(ages.items()) == 3
    live = ages.keys()
    ages["zoe"] = 1
    assert "zoe" in live


def test_what_a_range_contains(ages):
    span = ages["b":"e"]
    assert "bob" in span
    assert "ada" not in span and "eve" not in span and "c" not in span
    with pytest.raises(TypeError):
        5 in span


def test_deleting_what_is_not_there_is_a_key_error_and_delete_is_not(ages):
    del ages["ada"]
    with pytest.raises(KeyError):
        del ages["ada"]
    ages.delete("ada")
    ages.delete("bob", durability="durable")
    assert list(ages) == ["eve"]


def test_pop_popitem_setdefault_clear(ages):
    assert ages.pop("ada") == 36
    with pytest.raises(KeyError) as raised:
        ages.pop("ada")
    assert raised.value.args == ("ada",)
    assert ages.pop("ada", None) is None
    assert ages.pop("ada", default := object()) is default
    assert ages.setdefault("bob", 1) == 41
    assert ages.setdefault("zoe", 1) == 1
    assert ages["zoe"] == 1
    assert ages.popitem() == ("bob", 41)
    ages.clear()
    assert not ages
    assert len(ages) == 0
    with pytest.raises(KeyError):
        ages.popitem()


def test_update_takes_what_dict_takes(ages):
    class Keyed:
        def keys(self):
            return ["a", "b"]

        def __getitem__(self, key):
            return ord(key)

    ages.clear()
    ages.update(Keyed())
    ages.update([("c", 1), ["d", 2]], e=3, other=4)
    ages.update()
    ages |= {"f": 5}
    assert ages == {"a": 97, "b": 98, "c": 1, "d": 2, "e": 3, "other": 4, "f": 5}
    with pytest.raises(ValueError):
        ages.update([("a", 1, 2)])
    with pytest.raises(TypeError):
        ages.update(3)


def test_an_update_that_fails_writes_nothing(ages):
    before = dict(ages)

    def half():
        yield "new", 1
        raise ZeroDivisionError

    for failing, error in [
        ({"new": 1, "bad": "text"}, TypeError),
        ([("new", 1), (7, 1)], TypeError),
        (half(), ZeroDivisionError),
    ]:
        with pytest.raises(error):
            ages.update(failing)
        assert dict(ages) == before


def test_what_cannot_be_encoded_is_never_written_or_asked_for(ages):
    before = dict(ages)
    wrong_keys = [
        lambda: ages[7],
        lambda: ages.get(7),
        lambda: 7 in ages,
        lambda: ages.get_many(["ada", 7]),
        lambda: ages.__setitem__(7, 1),
        lambda: ages.__setitem__("ada", "text"),
        lambda: ages.put("ada", 1.5),
        lambda: ages.__delitem__(7),
        lambda: ages.pop(7, None),
        lambda: ages.setdefault("zoe", "text"),
        lambda: ages.put_many([("zoe", "text")]),
        lambda: ages.range(1, 2),
        lambda: ages[("a",):],
    ]
    for call in wrong_keys:
        with pytest.raises(TypeError):
            call()
    with pytest.raises(ValueError):
        ages["\ud800"] = 1
    assert dict(ages) == before


def test_slices_are_lazy_ranges(ages):
    middle = ages["b":"e"]
    assert list(middle) == [("bob", 41)]
    ages["cat"] = 5
    assert list(middle) == [("bob", 41), ("cat", 5)]
    assert list(reversed(middle)) == [("cat", 5), ("bob", 41)]
    assert list(middle.keys()) == ["bob", "cat"]
    assert list(middle.values()) == [41, 5]
    assert list(middle.items()) == list(middle)
    assert middle.first() == ("bob", 41)
    assert middle.last() == ("cat", 5)
    assert middle.count() == 2
    assert [len(chunk) for chunk in ages[:].chunks(3)] == [3, 1]
    assert list(ages.range("b", "e", reverse=True)) == [("cat", 5), ("bob", 41)]
    assert ages["x":].first() is None
    assert list(ages["e":"b"]) == []
    with pytest.raises(ValueError):
        ages["a":"b":2]


def test_deleting_a_slice(ages):
    del ages["b":"e"]
    assert list(ages) == ["ada", "eve"]
    ages.delete_range("e", None)
    assert list(ages) == ["ada"]
    del ages[:]
    assert not ages


def test_first_and_last(ages):
    assert ages.first() == ("ada", 36)
    assert ages.last() == ("eve", 30)
    ages.clear()
    assert ages.first() is None
    assert ages.last() is None


def test_prefixes_of_text_and_of_tuples(db):
    words = codecs.typed(db.keyspace("words"), key=str, value=int)
    words.update(car=1, cart=2, cat=3, dog=4)
    assert list(words.prefix("car").keys()) == ["car", "cart"]
    assert list(words.prefix("ca", reverse=True).keys()) == ["cat", "cart", "car"]
    assert len(list(words.prefix(""))) == 4

    moves = codecs.typed(db.keyspace("moves"), key=tuple[str, int], value=bytes)
    for key in [("a", -1), ("a", 300), ("a\0", 5), ("ab", 7), ("b", 0)]:
        moves[key] = b""
    assert list(moves.prefix(("a",)).keys()) == [("a", -1), ("a", 300)]
    assert list(moves.prefix(("a", 300)).keys()) == [("a", 300)]
    assert list(moves[("a", 0):("ab",)].keys()) == [("a", 300), ("a\0", 5)]
    assert [key for key, _ in moves[("ab",):]] == [("ab", 7), ("b", 0)]
    with pytest.raises(TypeError):
        codecs.typed(db, key=int, value=int).prefix(1)
    with pytest.raises(ValueError):
        moves.prefix(("a", 1, 2))
    with pytest.raises(ValueError):
        moves["a",] = b"too short for a key"


def test_keys_are_sorted_as_their_type_is(db):
    keys = [-(10**30), -256, -255, -1, 0, 1, 255, 256, 10**30]
    numbers = codecs.typed(db, key=int, value=bytes)
    numbers.update({key: b"" for key in reversed(keys)})
    assert list(numbers) == keys
    assert list(numbers[-255:256].keys()) == keys[2:7]


def test_batches_of_several_keyspaces(db, ages):
    names = codecs.typed(db, key=int, value=str)
    names[1] = "one"
    with db.batch() as batch:
        ages.into(batch)["zoe"] = 99
        ages.into(batch).delete("ada")
        del ages.into(batch)["b":"c"]
        names.into(batch).put(2, "two")
        names.into(batch).delete_range(None, 2)
        with pytest.raises(TypeError):
            names.into(batch)[3] = 3
        assert "zoe" not in ages
    assert dict(ages) == {"eve": 30, "zoe": 99}
    assert dict(names) == {2: "two"}
    with pytest.raises(ZeroDivisionError), db.batch() as batch:
        del ages.into(batch)["zoe"]
        raise ZeroDivisionError
    assert "zoe" in ages


def test_a_snapshot_is_read_and_not_written(db, ages):
    with db.snapshot() as snapshot:
        ages["ada"] = 37
        old = ages.at(snapshot)
        assert old["ada"] == 36
        assert not isinstance(old, collections.abc.MutableMapping)
        with pytest.raises(TypeError):
            old["ada"] = 1
        codecs.typed(db, key=str, value=str)["k"] = "v"
        assert "k" not in codecs.typed(snapshot, key=str, value=str)
        assert list(codecs.typed(ages.source.at(snapshot), key=str, value=int)["b":]) == [
            ("bob", 41),
            ("eve", 30),
        ]


def test_a_loop_goes_over_one_state(ages):
    seen = []
    for key, age in ages.items():
        ages[key + key] = age
        del ages[key]
        seen.append(key)
    assert seen == ["ada", "bob", "eve"]
    assert list(ages) == ["adaada", "bobbob", "eveeve"]


def test_put_many_counts_what_it_wrote(ages):
    told = []
    pairs = ((f"{number:06}", number) for number in range(5000))
    assert ages.put_many(pairs, progress=lambda done, total: told.append(done)) == 5000
    assert ages["004999"] == 4999
    assert len(ages) == 5003


def test_bytes_that_the_codec_did_not_write(db):
    db[b"\xff"] = b"{"
    view = codecs.typed(db, key=str, value=json)
    with pytest.raises(codecs.DecodeError):
        list(view)
    with pytest.raises(lsmdb.Error):
        list(view.values())


def test_a_codec_of_ones_own(db):
    class Celsius:
        def encode(self, value):
            return round((value + 273.15) * 100).to_bytes(3, "big")

        def decode(self, data):
            return int.from_bytes(data, "big") / 100 - 273.15

    class Pair:
        """Tuples, but with no prefixes: bounds are whole keys."""

        def encode(self, value):
            return bytes(value)

        def decode(self, data):
            return tuple(data)

    warm = codecs.typed(db, key=Pair(), value=Celsius())
    warm.update({(1, 2): 21.5, (3, 4): -40})
    assert warm[1, 2] == pytest.approx(21.5)
    assert list(warm[(2, 0):(4, 0)].keys()) == [(3, 4)]
    assert "Celsius()" in repr(warm)
    assert isinstance(warm.codecs[1], Celsius)


def test_use_after_close_raises(tmp_path):
    db = lsmdb.open(tmp_path / "db")
    view = codecs.typed(db, key=str, value=str)
    view["a"] = "b"
    db.close()
    for call in [lambda: view["a"], lambda: list(view), lambda: view.update(a="c"),
                 lambda: len(view), lambda: bool(view), lambda: view.pop("a", None)]:
        with pytest.raises(lsmdb.Closed):
            call()
    assert "Typed" in repr(view)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), SMALL, SMALL),
        st.tuples(st.just("delete"), SMALL),
        st.tuples(st.just("delete_range"), SMALL, SMALL),
        st.tuples(st.just("pop"), SMALL),
        st.tuples(st.just("popitem")),
        st.tuples(st.just("setdefault"), SMALL, SMALL),
        st.tuples(st.just("update"), st.dictionaries(SMALL, SMALL, max_size=5)),
    ),
    max_size=30,
)
MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
KEYS = {
    "int": (int, lambda n: n * 10**9),
    "float": (float, lambda n: n / 8),
    "tuple": (tuple, lambda n: (n // 9, str(n % 9))),
    "datetime": (dt.datetime, lambda n: MOMENT + dt.timedelta(hours=n)),
}


class Model(dict):
    """A dict that is asked in order."""

    def popitem(self):
        if not self:
            raise KeyError
        key = min(self)
        return key, self.pop(key)

    def delete(self, key):
        self.pop(key, None)

    def put(self, key, value):
        self[key] = value

    def delete_range(self, start, stop):
        for key in self.between(start, stop):
            del self[key]

    def between(self, start, stop):
        keys = sorted(self)
        return keys[bisect.bisect_left(keys, start) : bisect.bisect_left(keys, stop)]


def play(target, act, key):
    """What an act answers, or the error that it raises."""
    verb, *given = act
    if verb == "update":
        given = [{key(number): value for number, value in given[0].items()}]
    elif given:
        given = [key(given[0]), *map(key if verb == "delete_range" else int, given[1:])]
    try:
        return getattr(target, verb)(*given)
    except KeyError:
        return KeyError


@pytest.mark.parametrize("kind", KEYS)
def test_random_acts_against_a_sorted_dict(db, kind):
    wanted, key = KEYS[kind]
    view = codecs.typed(db.keyspace(kind), key=wanted, value=int)

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(ACTS, SMALL, SMALL)
    def check(acts, start, stop):
        view.clear()
        model = Model()
        for act in acts:
            assert play(view, act, key) == play(model, act, key), act
        assert list(view.items()) == sorted(model.items())
        assert list(reversed(view)) == sorted(model, reverse=True)
        if start <= stop:
            assert list(view[key(start) : key(stop)].keys()) == model.between(
                key(start), key(stop)
            )
        everywhere = [key(number) for number in range(-40, 41)]
        assert view.get_many(everywhere, "none") == [model.get(k, "none") for k in everywhere]

    check()
