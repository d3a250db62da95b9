"""An embeddable, ordered, durable key-value engine on a log-structured merge tree.

>>> with lsmdb.open("fruits") as db:
...     db[b"apple"] = b"red"
...     db.get(b"apple")
b'red'
"""

from lsmdb._database import DB
from lsmdb._errors import (
    Aborted,
    Busy,
    Closed,
    Conflict,
    Corruption,
    Error,
    Exists,
    ForkedProcess,
    FormatTooNew,
    InternalError,
    InvalidArgument,
    Locked,
    NoDatabase,
    NoPermission,
    NoSpace,
    NotADirectory,
    OutOfMemory,
    ReadOnly,
    StorageError,
    Timeout,
    TooLarge,
    Unsupported,
)
from lsmdb._explain import Diagnosis, Explanation
from lsmdb._filters import CompactionFilter, FilterContext, FilterDecision
from lsmdb._native import (
    Batch,
    Columns,
    Cursor,
    Event,
    Keyspace,
    KeyspaceView,
    Range,
    Readable,
    Snapshot,
    Value,
    Writable,
    __version__,
    destroy,
    salvage,
)
from lsmdb._operators import MergeOperator
from lsmdb._options import KeyspaceOptions, Options
from lsmdb._readers import ReaderInfo
from lsmdb._usage import Estimate, Usage

open = DB
"""Opens a database: another name of `DB`."""

__all__ = [
    "DB",
    "Aborted",
    "Batch",
    "Busy",
    "Closed",
    "Columns",
    "CompactionFilter",
    "Conflict",
    "Corruption",
    "Cursor",
    "Diagnosis",
    "Error",
    "Estimate",
    "Event",
    "Exists",
    "Explanation",
    "FilterContext",
    "FilterDecision",
    "ForkedProcess",
    "FormatTooNew",
    "InternalError",
    "InvalidArgument",
    "Keyspace",
    "KeyspaceOptions",
    "KeyspaceView",
    "Locked",
    "MergeOperator",
    "NoDatabase",
    "NoPermission",
    "NoSpace",
    "NotADirectory",
    "Options",
    "OutOfMemory",
    "Range",
    "ReadOnly",
    "Readable",
    "ReaderInfo",
    "Snapshot",
    "StorageError",
    "Timeout",
    "TooLarge",
    "Unsupported",
    "Usage",
    "Value",
    "Writable",
    "__version__",
    "destroy",
    "open",
    "salvage",
]
