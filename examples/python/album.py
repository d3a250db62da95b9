"""Pictures apart from their names, in files that are written once: album.py DIRECTORY"""

import sys

import lsmdb


def files(db: lsmdb.DB) -> int:
    return db.stats()["blobs"]["files"]


def main(path: str) -> None:
    with lsmdb.open(path) as db:
        # From 4096 bytes on if nothing is chosen.
        pictures = db.keyspace("pictures", lsmdb.KeyspaceOptions(blob_threshold=1024))
        pictures.update({b"sea": b"#" * 60_000, b"icon": b"#" * 200, b"hills": b"#" * 90_000})
        # No picture is read for that.
        for name in pictures.keys():
            print(name.decode())
        print(f"sea: {len(pictures[b'sea'])} bytes")
        print("files of large values:", files(db))
        pictures.delete_range(None, None)
        pictures.compact()
        db.wait_idle()
        print("files when all are deleted:", files(db))


if __name__ == "__main__":
    main(*sys.argv[1:])
