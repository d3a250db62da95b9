"""plyvel's interface over lsmdb: `from lsmdb import plyvel` in place of `import plyvel`.

>>> from lsmdb import plyvel
>>> db = plyvel.DB("users", create_if_missing=True)
>>> with db.write_batch() as batch:
...     batch.put(b"ada", b"1815")
...     batch.put(b"grace", b"1906")
>>> [key for key, value in db.iterator(prefix=b"a")]
[b'ada']
>>> db.close()

The files are lsmdb's own, and LevelDB's are neither read nor changed. A database is copied over
while the real plyvel is still there:

    import plyvel
    import lsmdb.plyvel

    with plyvel.DB("old") as old, lsmdb.plyvel.DB("new", create_if_missing=True) as new:
        for key, value in old:
            new.put(key, value)

`lsmdb.open("new").keyspace("leveldb")` holds the same pairs for programs that go further. The C
library with LevelDB's interface opens the same files.

What plyvel documents holds. What differs:

* Keys are ordered by their bytes; a comparator is taken only if its name is that of this order.
* A key has at most 65,535 bytes, a value at most 1 GiB.
* Keys, too, may be anything with the buffer protocol, and names may be `pathlib.Path`s.
* `key in db` raises TypeError. In plyvel it scans everything and answers False.
* An iterator never leaves its part of the keys. plyvel's does when it seeks to the edge and turns
  back, and overlooks the only entry of a part when it comes from behind and the key is `start`.
* Checksums are verified whenever bytes come from the disk, and a scan does not drive others out of
  the cache: `verify_checksums` and `fill_cache` count for `DB.get` alone, where the first reads
  from the disk what is in memory, too.
"""

from typing import Final

from lsmdb.plyvel._db import DB
from lsmdb.plyvel._errors import CorruptionError, Error, IOError, IteratorInvalidError
from lsmdb.plyvel._opening import destroy_db, repair_db

#: The version of plyvel whose interface this is, and of LevelDB whose words it speaks.
__version__: Final = "1.5.1"
__leveldb_version__: Final = "1.23"

__all__ = [
    "DB",
    "CorruptionError",
    "Error",
    "IOError",
    "IteratorInvalidError",
    "destroy_db",
    "repair_db",
]
