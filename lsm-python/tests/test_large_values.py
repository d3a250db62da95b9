"""Large values, which stand apart from their keys."""

from pathlib import Path

import lsmdb
import pytest


def test_the_threshold_is_a_keyspaces_own(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path) as db:
        early = db.keyspace("early", lsmdb.KeyspaceOptions(blob_threshold=100))
        never = db.keyspace("never", lsmdb.KeyspaceOptions(blob_threshold=0))
        assert early.options.blob_threshold == 100 and never.options.blob_threshold == 0
        never[b"k"] = b"v" * 5000
        early[b"k"] = b"v" * 99
        assert db.stats()["blobs"]["values_written"] == 0
        early[b"k"] = b"v" * 100
        db[b"large"] = bytes(5000)
        assert db.stats()["blobs"]["values_written"] == 2
        for _ in range(2):
            assert db[b"large"] == bytes(5000) and early[b"k"] == b"v" * 100
            assert dict(db.items()) == {b"large": bytes(5000)}
            db.flush()
    with pytest.raises(lsmdb.InvalidArgument):
        lsmdb.KeyspaceOptions(blob_threshold=63)
    assert lsmdb.KeyspaceOptions.parse("blob_threshold=64").blob_threshold == 64


def test_what_is_deleted_leaves_nothing(tmp_path: Path) -> None:
    with lsmdb.open(tmp_path) as db:
        for n in range(50):
            db[b"%04d" % n] = n.to_bytes(2, "big") * 10_000
        db.flush()
        assert db.stats()["blobs"]["files"] > 0 and list(tmp_path.glob("*.blob"))
        for n in range(50):
            del db[b"%04d" % n]
        db.compact()
        db.wait_idle()
        assert db.stats()["blobs"]["files"] == 0 and not list(tmp_path.glob("*.blob"))
