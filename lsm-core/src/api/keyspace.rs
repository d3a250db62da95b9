//! Keyspaces: separately tuned trees of one database, and what can be read and written in them.

use crate::api::batch::{Batch, delete_bounds};
use crate::api::bounds::{KeyRange, prefix_bounds};
use crate::api::cursor::Cursor;
use crate::api::keyspace_ref::KeyspaceRef;
use crate::api::range::Range;
use crate::api::snapshot::Snapshot;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::slice::Slice;
use crate::batch::Record;
use crate::engine::scan::Span;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::options::keyspace::KeyspaceOptions;
use crate::options::progress::CallOptions;
use crate::options::write::WriteOptions;

/// What can be read, of the newest or of a snapshot: by `Db`, for its default keyspace, `Keyspace`
/// and `KeyspaceAt`. The three have the same verbs without the trait, too.
pub trait Read {
    /// The value of a key.
    fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>>;

    /// Copies the value of a key into `buffer`, in place of what was there; false if there is none.
    fn get_into(&self, key: impl AsRef<[u8]>, buffer: &mut Vec<u8>) -> Result<bool>;

    /// The values of several keys, all of the same moment.
    fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Slice>>>;

    /// True if the key has a value.
    fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool>;

    /// The pairs of a range, in order, from both ends. A range whose end lies before its start is
    /// empty.
    fn range(&self, range: impl KeyRange) -> Range;

    /// The pairs whose keys begin with `prefix`.
    fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range;

    /// All pairs.
    fn iter(&self) -> Range {
        self.range(..)
    }

    /// The first pair.
    fn first(&self) -> Result<Option<(Slice, Slice)>> {
        self.iter().next().transpose()
    }

    /// The last pair.
    fn last(&self) -> Result<Option<(Slice, Slice)>> {
        self.iter().next_back().transpose()
    }

    /// How many keys a range holds. Reads every one of them.
    fn count(&self, range: impl KeyRange) -> Result<u64> {
        self.range(range).count_keys()
    }

    /// As `count`, telling now and then how many were counted, and stopped when it is told to.
    fn count_with(&self, range: impl KeyRange, options: CallOptions<'_>) -> Result<u64> {
        self.range(range).count_keys_with(options)
    }

    /// A cursor over a range, before its first entry.
    fn cursor(&self, range: impl KeyRange) -> Cursor {
        self.range(range).cursor()
    }
}

/// A keyspace of an open database: cheap to clone, `Send` and `Sync`. Reads see the newest.
#[derive(Clone, Debug)]
pub struct Keyspace {
    pub(crate) inner: KeyspaceRef,
}

/// A keyspace as a snapshot sees it.
#[derive(Clone, Debug)]
pub struct KeyspaceAt {
    inner: KeyspaceRef,
    snapshot: Snapshot,
}

/// Calls the same verbs without the trait in scope.
macro_rules! inherent_reads {
    ($type:ty) => {
        impl $type {
            /// The value of a key. A short one is copied, a long one stays where it is and is kept.
            pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
                Read::get(self, key)
            }

            /// Copies the value of a key into `buffer`, in place of what was there; false if there
            /// is none.
            pub fn get_into(&self, key: impl AsRef<[u8]>, buffer: &mut Vec<u8>) -> Result<bool> {
                Read::get_into(self, key, buffer)
            }

            /// The values of several keys, all of the same moment.
            pub fn get_many<K: AsRef<[u8]>>(
                &self,
                keys: impl IntoIterator<Item = K>,
            ) -> Result<Vec<Option<Slice>>> {
                Read::get_many(self, keys)
            }

            /// True if the key has a value.
            pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
                Read::contains_key(self, key)
            }

            /// The pairs of a range, in order, from both ends. A range whose end lies before its
            /// start is empty.
            pub fn range(&self, range: impl KeyRange) -> Range {
                Read::range(self, range)
            }

            /// The pairs whose keys begin with `prefix`.
            pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
                Read::prefix(self, prefix)
            }

            /// All pairs.
            pub fn iter(&self) -> Range {
                Read::iter(self)
            }

            /// The first pair.
            pub fn first(&self) -> Result<Option<(Slice, Slice)>> {
                Read::first(self)
            }

            /// The last pair.
            pub fn last(&self) -> Result<Option<(Slice, Slice)>> {
                Read::last(self)
            }

            /// How many keys a range holds. Reads every one of them.
            pub fn count(&self, range: impl KeyRange) -> Result<u64> {
                Read::count(self, range)
            }

            /// As `count`, telling now and then how many were counted, and stopped when it is told
            /// to.
            pub fn count_with(
                &self,
                range: impl KeyRange,
                options: CallOptions<'_>,
            ) -> Result<u64> {
                Read::count_with(self, range, options)
            }

            /// A cursor over a range, before its first entry.
            pub fn cursor(&self, range: impl KeyRange) -> Cursor {
                Read::cursor(self, range)
            }
        }
    };
}

inherent_reads!(Keyspace);
inherent_reads!(KeyspaceAt);

/// The moment that a read sees.
pub(crate) trait Moment {
    /// Where it reads.
    fn keyspace(&self) -> &KeyspaceRef;
    /// The snapshot's number; an error if the snapshot is of another database.
    fn seqno(&self) -> Result<Option<SeqNo>>;
}

impl Moment for Keyspace {
    fn keyspace(&self) -> &KeyspaceRef {
        &self.inner
    }

    fn seqno(&self) -> Result<Option<SeqNo>> {
        Ok(None)
    }
}

impl Moment for KeyspaceAt {
    fn keyspace(&self) -> &KeyspaceRef {
        &self.inner
    }

    fn seqno(&self) -> Result<Option<SeqNo>> {
        if self.snapshot.pin.is_of(&self.inner.engine().snapshots) {
            return Ok(Some(self.snapshot.seqno()));
        }
        let message = "the snapshot was taken of another database";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

impl<M: Moment> Read for M {
    fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        let keyspace = self.keyspace();
        let seqno = self.seqno()?;
        let engine = keyspace.engine();
        engine.get(&keyspace.state, key.as_ref(), seqno, |found| engine.keep(found))
    }

    fn get_into(&self, key: impl AsRef<[u8]>, buffer: &mut Vec<u8>) -> Result<bool> {
        let keyspace = self.keyspace();
        let seqno = self.seqno()?;
        let found = keyspace.engine().get(&keyspace.state, key.as_ref(), seqno, |found| {
            buffer.clear();
            buffer.extend_from_slice(found.bytes());
        })?;
        Ok(found.is_some())
    }

    fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Slice>>> {
        let keyspace = self.keyspace();
        keyspace.engine().get_many(&keyspace.state, keys, self.seqno()?)
    }

    fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        let keyspace = self.keyspace();
        let seqno = self.seqno()?;
        Ok(keyspace.engine().get(&keyspace.state, key.as_ref(), seqno, |_| ())?.is_some())
    }

    fn range(&self, range: impl KeyRange) -> Range {
        let (lower, upper) = range.into_bounds();
        let keyspace = self.keyspace();
        let opened = self.seqno().and_then(|seqno| {
            keyspace.engine().scan(&keyspace.state, Span { lower, upper }, seqno)
        });
        Range::new(opened)
    }

    fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.range(prefix_bounds(prefix.as_ref()))
    }
}

impl Keyspace {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.state.name
    }

    /// How it is kept.
    #[must_use]
    pub fn options(&self) -> KeyspaceOptions {
        self.inner.state.options.clone()
    }

    /// The keyspace as `snapshot` sees it.
    #[must_use]
    pub fn at(&self, snapshot: &Snapshot) -> KeyspaceAt {
        KeyspaceAt { inner: self.inner.clone(), snapshot: snapshot.clone() }
    }

    /// Gives a key a value. Answers the write's sequence number, for `Db::wait_durable`.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<SeqNo> {
        self.put_with(key, value, &WriteOptions::new())
    }

    /// As `put`, chosen for this write.
    pub fn put_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        self.write_one(Kind::Put, key.as_ref(), value.as_ref(), options)
    }

    /// Takes a key away, whether or not it is there.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<SeqNo> {
        self.delete_with(key, &WriteOptions::new())
    }

    /// As `delete`, chosen for this write.
    pub fn delete_with(&self, key: impl AsRef<[u8]>, options: &WriteOptions) -> Result<SeqNo> {
        self.write_one(Kind::Delete, key.as_ref(), &[], options)
    }

    /// Takes every key of a range away, at the same cost for any number of them.
    pub fn delete_range(&self, range: impl KeyRange) -> Result<SeqNo> {
        self.delete_range_with(range, &WriteOptions::new())
    }

    /// As `delete_range`, chosen for this write.
    pub fn delete_range_with(&self, range: impl KeyRange, options: &WriteOptions) -> Result<SeqNo> {
        let engine = self.inner.engine();
        match delete_bounds(range) {
            Some((start, end)) => self.write_one(Kind::RangeDelete, &start, &end, options),
            None => {
                engine.check_writable()?;
                self.inner.state.check()?;
                Ok(engine.visible())
            }
        }
    }

    fn write_one(
        &self,
        kind: Kind,
        key: &[u8],
        value: &[u8],
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        let state = &self.inner.state;
        let record = Record { kind, keyspace: state.id, key, value };
        self.inner.engine().write_one(state, record, options)
    }

    /// Writes what is in memory to a table, and returns when it is durable there.
    pub fn flush(&self) -> Result<()> {
        self.flush_with(CallOptions::new())
    }

    /// As `flush`, telling how many entries are written, and stopped when it is told to: the flush
    /// itself then goes on in the background.
    pub fn flush_with(&self, mut options: CallOptions<'_>) -> Result<()> {
        self.inner.engine().flush(&mut options)
    }

    /// Merges everything in a range down to the last level, and returns when that is done.
    pub fn compact(&self, range: impl KeyRange) -> Result<()> {
        self.compact_with(range, CallOptions::new())
    }

    /// As `compact`, telling how many entries are flushed and then how many are merged, and stopped
    /// when it is told to: a merge that has begun for it is given up then.
    pub fn compact_with(&self, range: impl KeyRange, mut options: CallOptions<'_>) -> Result<()> {
        let (lower, upper) = range.into_bounds();
        self.inner.engine().compact(&self.inner.state, &Span { lower, upper }, &mut options)
    }

    /// About how many bytes a range takes on disk.
    pub fn approximate_bytes(&self, range: impl KeyRange) -> Result<u64> {
        let (lower, upper) = range.into_bounds();
        self.inner.engine().approximate_bytes(&self.inner.state, &Span { lower, upper })
    }

    /// About how many entries there are, those in memory and on every level counted: at least as
    /// many as there are keys, but for what is deleted.
    pub fn approximate_len(&self) -> Result<u64> {
        self.inner.engine().approximate_len(&self.inner.state)
    }
}

impl Batch {
    /// Gives a key a value.
    pub fn put(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> &mut Self {
        self.push(&keyspace.inner, Kind::Put, key.as_ref(), value.as_ref());
        self
    }

    /// Takes a key away.
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> &mut Self {
        self.push(&keyspace.inner, Kind::Delete, key.as_ref(), &[]);
        self
    }

    /// Takes every key of a range away.
    pub fn delete_range(&mut self, keyspace: &Keyspace, range: impl KeyRange) -> &mut Self {
        self.push_range(&keyspace.inner, range);
        self
    }
}

/// What can be handed to any thread, and kept.
const _: () = {
    const fn is_handle<T: Send + Sync + 'static>() {}
    is_handle::<Keyspace>();
    is_handle::<KeyspaceAt>();
    is_handle::<Batch>();
    is_handle::<Snapshot>();
    is_handle::<Slice>();
    is_handle::<Error>();
};
