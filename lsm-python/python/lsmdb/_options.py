"""What can be chosen for a database and for a keyspace: plain data with a text form."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal, Self

from lsmdb import _native

Durability = Literal["durable", "buffered", "volatile"]

# How many seconds a value lives, `math.inf` for ever, and when it expires, in seconds since 1970.
Ttl = float | timedelta
Moment = float | datetime

_SHORT = {"leveled": "leveled:10", "tiered": "tiered:8", "lazy": "lazy:8", "zstd": "zstd:3"}


class _Settings:
    """Fields that the engine reads as `name=value; ...`."""

    def __str__(self) -> str:
        chosen = ((field.name, getattr(self, field.name)) for field in fields(self))  # type: ignore[arg-type]
        return "; ".join(f"{name}={_word(value)}" for name, value in chosen if value is not None)

    @classmethod
    def _of_text(cls, text: str) -> Self:
        """From the text form, checked and complete."""
        types = {field.name: str(field.type) for field in fields(cls)}  # type: ignore[arg-type]
        values: dict[str, object] = {}
        for setting in text.split(";"):
            name, _, value = (part.strip() for part in setting.partition("="))
            if name in types:
                values[name] = _read(value, types[name])
        return cls(**values)


def _read(value: str, kind: str) -> object:
    if "bool" in kind:
        return value == "true"
    return int(value) if "int" in kind else value


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, kw_only=True)
class Options(_Settings):
    """How a database is opened. What is `None` is as the engine would have it.

    >>> lsmdb.Options(memory_limit=64 << 20).memory_limit
    67108864
    >>> lsmdb.Options.parse("memory_limit=64MiB; durability=durable").durability
    'durable'
    """

    memory_limit: int | None = None
    """How much memory everything together may take, in bytes: 16 MiB at least."""
    memtable_bytes: int | None = None
    """The size at which what is in memory is flushed."""
    memtable: Literal["tree", "skiplist"] | None = None
    """The structure of what is in memory."""
    background_threads: int | None = None
    """How many threads flush and compact: 1 to 64."""
    durability: Durability | None = None
    """When a write is durable that does not say so itself."""
    sync_interval_ms: int | None = None
    """How long a buffered write stays unsynced at most; 0 leaves syncing to `DB.sync`."""
    wal: Literal["auto", "write", "mapped"] | None = None
    """How the log is written."""
    log_segment_bytes_max: int | None = None
    """The size that log segments grow to."""
    log_bytes_max: int | None = None
    """How much log there may be; 0 for no more than memtables need."""
    write_bytes_per_second: int | None = None
    """How many bytes a second flushes and merges may write; 0 for any number."""
    scrub_bytes_per_second: int | None = None
    """How many bytes a second are read in the background to find damage: 4 KiB at least, 0 for
    none."""
    open_files_max: int | None = None
    """How many table files stay open at most; 0 for all that were ever read."""
    refresh_every_ms: int | None = None
    """With mode "r": how often it is looked what the writer, in another process, has done; 0 for
    only when `DB.refresh` is called."""
    reader_lease_ms: int | None = None
    """With mode "r": how long the writer keeps files for this reader when nothing is heard of it,
    because it hangs. A minute, if nothing is chosen; 100 at least. What is read afterwards may
    raise `Busy`, until it is refreshed."""

    def __post_init__(self) -> None:
        _native._options_text(str(self))

    @classmethod
    def parse(cls, text: str, /) -> Self:
        """Reads the text form, such as "memory_limit=64MiB; durability=durable"."""
        return cls._of_text(_native._options_text(text))


@dataclass(frozen=True, kw_only=True)
class KeyspaceOptions(_Settings):
    """How a keyspace is kept. Stored with it when it is made.

    >>> lsmdb.KeyspaceOptions(strategy="tiered:4", compression="none").strategy
    'tiered:4'
    """

    strategy: str = "leveled:10"
    """How tables are merged: "leveled:10" (each level ten times the one above), "tiered:8" (up to
    eight runs a level), "lazy:8" (the same above one run of almost everything: half the writing of
    "leveled"), "fifo:BYTES:MILLISECONDS" (the oldest go; 0 for no limit)."""
    compression: str = "lz4"
    """How blocks are packed: "none", "lz4", or in builds that have it "zstd:3"."""
    block_bytes: int = 4096
    """How many bytes of entries share a block: 512 to 65,536."""
    filter_bits_per_key: int = 10
    """The bits that a filter spends on a key: 0 for no filter, 32 at most."""
    ttl_ms: int = 0
    """How many milliseconds after its write a value expires that does not say so itself; 0 for
    never."""
    quota_bytes: int = 0
    """How many bytes the keyspace may take, on disk and in memory together; 0 for any number. While
    it takes more, puts raise `NoSpace`, deletes do not."""
    merge_operator: str | None = None
    """What `merge` does: "add_i64", "add_f64", "min", "max", "append", "bit_or", "set_union",
    "json_merge_patch", or the name of one of `merge_operators` of `DB`."""
    comparator: str = "bytewise"
    """How keys are ordered: "bytewise", "reverse", or "user:" and the name of one of `comparators`
    of `DB`. It stays as it is chosen when the keyspace is made."""
    write_once: bool = False
    """The promise that no key is put again before it was deleted: what `single_delete` deletes then
    goes as soon as the two meet."""
    compaction_filter: str | None = None
    """What compactions are filtered by: the name of one of `compaction_filters` of `DB`. Without it
    the keyspace is opened all the same, and everything is kept."""
    blob_threshold: int = 4096
    """From which length on values stand apart from their keys, in files that are written once: 64
    at least, 0 for never. It counts for what is written from then on."""

    def __post_init__(self) -> None:
        for name in ("strategy", "compression"):
            short = getattr(self, name)
            object.__setattr__(self, name, _SHORT.get(short, short))
        _native._keyspace_options_text(str(self))

    @classmethod
    def parse(cls, text: str, /) -> Self:
        """Reads the text form, such as "strategy=tiered:8; compression=none"."""
        return cls._of_text(_native._keyspace_options_text(text))
