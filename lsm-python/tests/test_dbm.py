"""lsmdb.dbm: what programs that use the modules of `dbm` and `shelve` rely on."""

import collections.abc
import errno
import os
import pickle
import shelve
import stat
import sys
from dbm import dumb

import lsmdb
import pytest
from lsmdb import dbm
from lsmdb._pairs import pairs

PAIRS = {b"0": b"", b"a": b"Python:", b"b": b"Programming", b"c": b"the", b"f": b"Guido"}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "data")


@pytest.fixture
def full(path):
    with dbm.open(path, "n") as db:
        for key, value in PAIRS.items():
            db[key] = value
    return path


def test_the_names_of_every_dbm_module():
    assert issubclass(dbm.error, OSError)
    assert issubclass(dbm.error, lsmdb.Error)
    assert dbm.library == "lsmdb"
    assert set(dbm.__all__) == {
        *("Database", "error", "library", "open", "open_shelf", "whichdb")
    }


@pytest.mark.parametrize("flag", ["r", "w"])
def test_what_is_not_there_is_not_opened(path, flag):
    for arguments in [(path,), (path, flag)]:
        with pytest.raises(dbm.error) as raised:
            dbm.open(*arguments)
        error = raised.value
        assert (error.errno, error.args[0]) == (errno.ENOENT, errno.ENOENT)
        assert error.strerror == error.args[1] == str(error)
        assert (error.filename, error.path, len(error.args)) == (path, path, 2)
        cause = raised.value.__cause__
        assert isinstance(cause, lsmdb.NoDatabase)
        assert (cause.errno, cause.filename) == (errno.ENOENT, path)
    assert not os.path.exists(path)


@pytest.mark.parametrize("flag", ["", "x", "rx", "cn", "rwn", "wr", "s", "R", None, 3, b"r"])
def test_other_flags_are_refused(path, flag):
    with pytest.raises(ValueError, match="flag"):
        dbm.open(path, flag)
    assert not os.path.exists(path)


def test_flags(full):
    with dbm.open(full) as db:
        assert dict(db) == PAIRS
    with dbm.open(full, "w") as db:
        db["w"] = "1"
    with dbm.open(full, "c") as db:
        assert db["w"] == b"1"
        assert len(db) == len(PAIRS) + 1
    with dbm.open(full, "n") as db:
        assert len(db) == 0
        assert db.keys() == []


def test_flags_of_gdbm_and_ndbm(path):
    with dbm.open(path, "nf") as db:
        db["n"] = "1"
    for flag in ("c", "cf", "cs", "cu", "cfsu", "w", "wsf", "rw", "rws", "rwfu"):
        with dbm.open(path, flag) as db:
            db[flag] = "1"
    for flag in ("r", "rf", "rs", "rsu"):
        with dbm.open(path, flag) as db:
            assert len(db) == 11
            with pytest.raises(dbm.error) as raised:
                db["a"] = "b"
            assert raised.value.errno == errno.EROFS


def test_synchronous_writes_are_durable(path):
    with dbm.open(path, "cs") as db:
        db["a"] = "b"
        assert db._db.durable_seqno == db._db.latest_seqno
    for flag in ("c", "cs"):  # what is chosen in so many words counts
        with dbm.open(path, flag, durability="volatile") as db:
            db["a"] = "c"
            assert db._db.durable_seqno < db._db.latest_seqno


def test_whichdb(path, tmp_path):
    assert dbm.whichdb(path) is None
    os.mkdir(path)
    assert dbm.whichdb(path) == ""
    with open(os.path.join(path, "a.head"), "w") as file:
        file.write("not a head")
    assert dbm.whichdb(path) == ""
    os.remove(os.path.join(path, "a.head"))
    dbm.open(path, "c").close()
    for given in (path, os.fsencode(path), Path(path)):
        assert dbm.whichdb(given) == "lsmdb.dbm"
    os.remove(os.path.join(path, "a.head"))  # there are two of them
    assert dbm.whichdb(path) == "lsmdb.dbm"
    (tmp_path / "text").write_text("no database of anybody, and longer than a magic number")
    assert dbm.whichdb(tmp_path / "text") == ""
    assert dbm.whichdb(tmp_path / "text" / "db") is None
    with dumb.open(str(tmp_path / "dumb"), "c") as other:
        other["a"] = "b"
    assert dbm.whichdb(tmp_path / "dumb") == "dbm.dumb"


def test_a_file_that_is_no_database_stays_as_it_is(path):
    with open(path, "w") as file:
        file.write("dear diary")
    for flag in "rwcn":
        with pytest.raises(dbm.error):
            dbm.open(path, flag)
    with open(path) as file:
        assert file.read() == "dear diary"


def test_who_reads_does_not_write(full):
    with dbm.open(full, "r") as db:
        for write in [
            lambda: db.__setitem__("a", "b"),
            lambda: db.__delitem__("a"),
            lambda: db.__delitem__("not there"),
            lambda: db.update(a="b"),
            lambda: db.setdefault("not there", "b"),
            lambda: db.clear(),
            lambda: db.popitem(),
            lambda: db.pop("a"),
            lambda: db.reorganize(),
        ]:
            with pytest.raises(dbm.error) as raised:
                write()
            assert isinstance(raised.value.__cause__, lsmdb.ReadOnly)
        db.sync()
        assert dict(db) == PAIRS


def test_text_is_utf8_and_bytes_come_out(path):
    with dbm.open(path, "c") as db:
        db["\u00fc"] = "!\u20ac"
        db[b"1"] = b"one"
        db[bytearray(b"2")] = memoryview(b"xtwox")[1:4]
        assert db["\u00fc"] == db["\u00fc".encode()] == "!\u20ac".encode()
        assert "\u00fc" in db
        assert "\u00fc".encode() in db
        assert db["1"] == b"one"
        assert db["2"] == b"two"
        assert db.keys() == [b"1", b"2", "\u00fc".encode()]


@pytest.mark.parametrize("wrong", [1, None, 1.5, ["a"], object()])
def test_other_types_are_refused(path, wrong):
    with dbm.open(path, "c") as db:
        for call in [
            lambda: db[wrong],
            lambda: db.__setitem__(wrong, b""),
            lambda: db.__setitem__(b"", wrong),
            lambda: db.__delitem__(wrong),
            lambda: wrong in db,
            lambda: db.get(wrong),
            lambda: db.setdefault(b"a", wrong),
            lambda: db.update({b"a": b"", b"b": wrong}),
            lambda: db.nextkey(wrong),
        ]:
            with pytest.raises(TypeError):
                call()
        assert len(db) == 0


def test_lone_surrogates_are_refused(path):
    with dbm.open(path, "c") as db:
        with pytest.raises(ValueError):
            db["\ud800"] = b""
        assert not db


def test_a_mapping_as_python_has_them(full):
    with dbm.open(full, "w") as db:
        assert isinstance(db, collections.abc.MutableMapping)
        assert len(db) == len(PAIRS)
        assert db
        assert b"a" in db
        assert b"z" not in db
        assert db.keys() == sorted(PAIRS)
        assert isinstance(db.keys(), list)
        assert list(db) == sorted(PAIRS)
        assert list(reversed(db)) == sorted(PAIRS, reverse=True)
        assert list(db.items()) == sorted(PAIRS.items())
        assert (b"a", b"Python:") in db.items()
        assert list(db.values()) == [value for _, value in sorted(PAIRS.items())]
        assert len(db.items()) == len(db.values()) == len(PAIRS)
        assert db == PAIRS
        assert db[b"0"] == b""


def test_get_pop_setdefault(full):
    with dbm.open(full, "w") as db:
        assert db.get("z") is None
        assert db.get("z", b"none") == b"none"
        assert db.get("a", b"none") == b"Python:"
        assert db.setdefault("z", "new") == b"new"
        assert db.setdefault("z", "newer") == b"new"
        assert db.setdefault("y") == b""
        assert db.pop("z") == b"new"
        assert db.pop("z", None) is None
        with pytest.raises(KeyError, match="z"):
            db.pop("z")
        assert db.popitem() == (b"0", b"")


def test_what_is_not_there_is_a_key_error(full):
    with dbm.open(full, "w") as db:
        with pytest.raises(KeyError) as raised:
            db["z"]
        assert raised.value.args == ("z",)
        del db["a"]
        with pytest.raises(KeyError) as raised:
            del db["a"]
        assert raised.value.args == ("a",)


def test_update_and_clear(full):
    with dbm.open(full, "w") as db:
        db.update({"x": "1"}, y=b"2")
        db.update([("z", b"3")])
        assert [db[key] for key in "xyz"] == [b"1", b"2", b"3"]
        db.clear()
        assert not db
        assert list(db.items()) == []
        with pytest.raises(KeyError):
            db.popitem()


def test_what_is_copied_from_a_database_is_of_one_moment(path):
    with lsmdb.open(path) as db:
        db.update(PAIRS)
        for source in (db, db.range(), db.snapshot()):
            walking = iter(pairs(source))
            found = [next(walking)]
            db.clear()
            assert [*found, *walking] == sorted(PAIRS.items())
            db.update(PAIRS)


def test_everything_raises_error_after_close(full):
    db = dbm.open(full, "w")
    walking = iter(db)
    assert next(walking) == b"0"
    db.close()
    db.close()
    for call in [
        lambda: db["a"],
        lambda: db.__setitem__("a", "b"),
        lambda: db.__delitem__("a"),
        lambda: "a" in db,
        lambda: len(db),
        lambda: bool(db),
        lambda: iter(db),
        lambda: reversed(db),
        lambda: db.keys(),
        lambda: list(db.items()),
        lambda: list(db.values()),
        lambda: db.get("a"),
        lambda: db.setdefault("a", "b"),
        lambda: db.pop("a", None),
        lambda: db.update(a="b"),
        lambda: db.clear(),
        lambda: db.firstkey(),
        lambda: db.nextkey("a"),
        lambda: db.sync(),
        lambda: db.reorganize(),
        lambda: list(walking),
    ]:
        with pytest.raises(dbm.error) as raised:
            call()
        assert isinstance(raised.value.__cause__, lsmdb.Closed)
    assert full in repr(db)


def test_a_context_closes(path):
    with dbm.open(path, "c") as db:
        db["a"] = "b"
    with pytest.raises(dbm.error):
        db["a"]
    with pytest.raises(ZeroDivisionError), dbm.open(path, "w") as db:
        raise ZeroDivisionError
    with dbm.open(path) as db:
        assert db["a"] == b"b"


def test_the_loop_of_gdbm_with_deletes_between(full):
    with dbm.open(full, "w") as db:
        seen, key = [], db.firstkey()
        while key is not None:
            seen.append(key)
            following = db.nextkey(key)
            del db[key]
            key = following
        assert seen == sorted(PAIRS)
        assert db.firstkey() is None
        assert db.nextkey("a") is None


def test_nextkey_after_the_longest_and_the_missing(full):
    with dbm.open(full, "w") as db:
        longest = b"c" * 65_000
        db[longest] = b""
        assert db.nextkey(longest) == b"f"
        assert db.nextkey("bb") == b"c"
        assert db.nextkey("") == b"0"


def test_sync_and_reorganize(full):
    with dbm.open(full, "w") as db:
        db.clear()
        db["a"] = "b"
        db.sync()
        db.reorganize()
        assert dict(db) == {b"a": b"b"}


def test_an_open_database_is_locked(full):
    with dbm.open(full, "w"), pytest.raises(dbm.error) as raised:
        dbm.open(full, "w")
    assert isinstance(raised.value.__cause__, lsmdb.Locked)


def test_what_is_too_large_is_an_error(path):
    with dbm.open(path, "c") as db:
        with pytest.raises(dbm.error):
            db[b"k" * 70_000] = b""
        assert db.get("a") is None


@pytest.mark.parametrize("given", [os.fsencode, os.fspath, lambda path: Path(path)])
def test_paths_of_every_kind(tmp_path, given):
    name = str(tmp_path / "\u00fcber")
    with dbm.open(given(name), "c") as db:
        db["a"] = "b"
    with dbm.open(given(name)) as db:
        assert db["a"] == b"b"


class Path:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
@pytest.mark.parametrize(
    ("mode", "made"), [(0o600, 0o700), (0o640, 0o750), (0o666, 0o755), (0o777, 0o755)]
)
def test_the_mode_is_the_directory_s(path, mode, made):
    before = os.umask(0o022)
    try:
        dbm.open(path, "c", mode).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(path).st_mode) == made


def test_an_open_that_fails_leaves_nothing(path, tmp_path):
    with pytest.raises(TypeError):
        dbm.open(path, "c", not_an_option=1)
    assert not os.path.exists(path)
    with pytest.raises(dbm.error) as raised:
        dbm.open(str(tmp_path / "no" / "folder"), "c")
    assert raised.value.errno == errno.ENOENT
    assert raised.value.filename == raised.value.path == str(tmp_path / "no" / "folder")


def test_options_of_lsmdb_go_through(path):
    with dbm.open(path, "c", durability="durable", memory_limit=32 << 20) as db:
        db["a"] = "b"
        assert db["a"] == b"b"


def test_it_is_not_pickled(path):
    with dbm.open(path, "c") as db, pytest.raises(TypeError):
        pickle.dumps(db)


@pytest.mark.parametrize("writeback", [False, True])
def test_a_shelf(path, writeback):
    with shelve.Shelf(dbm.open(path, "c"), writeback=writeback) as shelf:
        shelf["key"] = {"some": ["thing", 1]}
        shelf.update(a=1, b=2)
        assert shelf.pop("a") == 1
        assert sorted(shelf) == ["b", "key"]
        if writeback:
            shelf["key"]["some"].append(2)
    with shelve.Shelf(dbm.open(path, "r")) as shelf:
        assert shelf["key"] == {"some": ["thing", 1, 2] if writeback else ["thing", 1]}
        assert len(shelf) == 2
        assert "b" in shelf
        assert shelf.get("z", 5) == 5
        with pytest.raises(KeyError):
            shelf["z"]
    with pytest.raises(ValueError):
        shelf["key"]


def test_a_shelf_in_one_call(path):
    with dbm.open_shelf(path, writeback=True, durability="buffered") as shelf:
        shelf["key"] = ["some"]
        shelf["key"].append("thing")
    with dbm.open_shelf(path, "r", protocol=2) as shelf:
        assert dict(shelf) == {"key": ["some", "thing"]}
        with pytest.raises(dbm.error):
            shelf["key"] = []
    with pytest.raises(ValueError, match="flag"):
        dbm.open_shelf(path, "x")


def test_a_shelf_that_is_read_only_refuses_writes(path):
    shelve.Shelf(dbm.open(path, "c")).close()
    with shelve.Shelf(dbm.open(path, "r")) as shelf, pytest.raises(dbm.error):
        shelf["a"] = 1
