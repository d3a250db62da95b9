//! Keyspaces: separately tuned trees of one database, and what can be read and written in them.

use crate::api::batch::{Batch, delete_bounds};
use crate::api::bounds::KeyRange;
use crate::api::cursor::Cursor;
use crate::api::keyspace_ref::KeyspaceRef;
use crate::api::range::Range;
use crate::api::read::{KeyspaceAt, KeyspaceWith, Moment, Read, inherent_reads};
use crate::api::snapshot::Snapshot;
use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::batch::{Record, Records, check_sizes};
use crate::engine::scan::Span;
use crate::engine::snapshots::SnapshotPin;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::options::expiry::{Expiry, Life};
use crate::options::keyspace::KeyspaceOptions;
use crate::options::progress::CallOptions;
use crate::options::read::ReadOptions;
use crate::options::write::WriteOptions;
use crate::read::access::Usual;
use crate::stats::usage::{Estimate, Usage};

/// A keyspace of an open database: cheap to clone, `Send` and `Sync`. Reads see the newest.
#[derive(Clone, Debug)]
pub struct Keyspace {
    pub(crate) inner: KeyspaceRef,
}

inherent_reads!(Keyspace);

impl Moment for Keyspace {
    type How = Usual;

    fn keyspace(&self) -> &KeyspaceRef {
        &self.inner
    }

    fn at(&self) -> Result<Option<&SnapshotPin>> {
        Ok(None)
    }

    fn how(&self) -> Usual {
        Usual
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
        KeyspaceAt::new(&self.inner, snapshot)
    }

    /// The keyspace, read with these options.
    #[must_use]
    pub fn with(&self, options: ReadOptions) -> KeyspaceWith {
        KeyspaceWith::new(&self.inner, None, options)
    }

    /// Gives a key a value. Answers the write's sequence number, for `Db::wait_durable`.
    #[inline]
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
        let (key, value) = (key.as_ref(), value.as_ref());
        self.inner.check_value(value)?;
        match self.inner.life(options.get_expiry()) {
            Life::Forever => self.write_one(Kind::Put, key, value, options),
            Life::Until(moment) => self.put_until(key, value, moment, options),
            Life::Over => {
                check_sizes(key, value)?;
                self.write_one(Kind::Delete, key, &[], options)
            }
        }
    }

    // Most values have no end: their way is not to carry this along.
    #[inline(never)]
    fn put_until(
        &self,
        key: &[u8],
        value: &[u8],
        moment: u64,
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        let key = &self.inner.stored(key)?;
        let (state, id) = (&self.inner.state, self.inner.state.id);
        let push = |records: &mut Records| records.push_expiring(id, key, value, moment);
        self.inner.engine().write_pushed(state, options, push)
    }

    /// Takes a key away, whether or not it is there.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<SeqNo> {
        self.delete_with(key, &WriteOptions::new())
    }

    /// As `delete`, chosen for this write.
    pub fn delete_with(&self, key: impl AsRef<[u8]>, options: &WriteOptions) -> Result<SeqNo> {
        options.refuse_expiry()?;
        self.write_one(Kind::Delete, key.as_ref(), &[], options)
    }

    /// Takes a key away, whether or not it is there. In a keyspace in which no key is put again
    /// before it was deleted (`KeyspaceOptions::write_once`) this takes less room than `delete`: it
    /// is gone as soon as it meets the put. Elsewhere it is as `delete`.
    pub fn single_delete(&self, key: impl AsRef<[u8]>) -> Result<SeqNo> {
        self.single_delete_with(key, &WriteOptions::new())
    }

    /// As `single_delete`, chosen for this write.
    pub fn single_delete_with(
        &self,
        key: impl AsRef<[u8]>,
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        options.refuse_expiry()?;
        self.write_one(Kind::SingleDelete, key.as_ref(), &[], options)
    }

    /// Takes every key of a range away, at the same cost for any number of them.
    pub fn delete_range(&self, range: impl KeyRange) -> Result<SeqNo> {
        self.delete_range_with(range, &WriteOptions::new())
    }

    /// As `delete_range`, chosen for this write.
    pub fn delete_range_with(&self, range: impl KeyRange, options: &WriteOptions) -> Result<SeqNo> {
        options.refuse_expiry()?;
        let engine = self.inner.engine();
        match delete_bounds(self.inner.span(range)?) {
            Some((start, end)) => {
                let (kind, keyspace) = (Kind::RangeDelete, self.inner.state.id);
                self.write_stored(Record { kind, keyspace, key: &start, value: &end }, options)
            }
            None => {
                engine.check_writable()?;
                self.inner.state.check()?;
                Ok(engine.visible())
            }
        }
    }

    /// True if a key lies in a range, in the order of the keyspace, whether or not it is there.
    pub fn is_within(&self, range: impl KeyRange, key: impl AsRef<[u8]>) -> Result<bool> {
        let key = self.inner.stored(key.as_ref())?;
        Ok(self.inner.span(range)?.contains(&key))
    }

    /// What the keyspace takes, on disk and in memory, and how much of that is alive and how much
    /// garbage, with bounds that always hold. Opens tables that were not opened yet.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("lsm-usage-{}", std::process::id()));
    /// # let db = lsm_core::Db::open(&dir)?;
    /// db.put("key", "an old value")?;
    /// db.put("key", "a value")?;
    /// let usage = db.usage()?;
    /// assert_eq!(usage.live_keys.estimate, 1);
    /// assert!(usage.garbage_bytes >= "keyan old value".len() as u64);
    /// # db.close()?;
    /// # lsm_core::Db::destroy(&dir)?;
    /// # Ok::<(), lsm_core::Error>(())
    /// ```
    pub fn usage(&self) -> Result<Usage> {
        self.inner.engine().usage(&self.inner.state)
    }

    /// About how many keys of a range a reader sees now, and between which bounds that surely is.
    ///
    /// A range of few blocks is counted; of others, for each run an index and a few blocks at
    /// either end are read, whatever lies between them.
    pub fn approximate_count(&self, range: impl KeyRange) -> Result<Estimate> {
        self.inner.engine().approximate_count(&self.inner.state, &self.inner.span(range)?)
    }

    /// About how many bytes a range takes on disk, and between which bounds: the data blocks that
    /// lie in it as a whole, and those that hold some of it.
    pub fn approximate_size(&self, range: impl KeyRange) -> Result<Estimate> {
        self.inner.engine().approximate_size(&self.inner.state, &self.inner.span(range)?)
    }

    /// At most `parts - 1` keys, ascending and strictly inside of a range, that cut it into parts
    /// of about the same size, so that several threads can each read one. Where there is little
    /// data there may be fewer; a part of a large range takes at most an eighth more than the mean,
    /// and two blocks of each run. `parts` is from 1 to 65,536.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("lsm-split-{}", std::process::id()));
    /// # let db = lsm_core::Db::open(&dir)?;
    /// for n in 0..100 {
    ///     db.put(format!("{n:02}"), "value")?;
    /// }
    /// let points = db.split_points(.., 4)?;
    /// assert_eq!(points, ["25", "50", "75"]);
    /// # db.close()?;
    /// # lsm_core::Db::destroy(&dir)?;
    /// # Ok::<(), lsm_core::Error>(())
    /// ```
    pub fn split_points(&self, range: impl KeyRange, parts: usize) -> Result<Vec<Slice>> {
        let span = self.inner.span(range)?;
        let points = self.inner.engine().split_points(&self.inner.state, &span, parts)?;
        if self.inner.is_bytewise() {
            return Ok(points.iter().map(|point| Slice::copy_from(point)).collect());
        }
        self.keys_at(&points, span)
    }

    #[inline]
    fn write_one(
        &self,
        kind: Kind,
        key: &[u8],
        value: &[u8],
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        let state = &self.inner.state;
        let record = Record { kind, keyspace: state.id, key, value };
        if !self.inner.is_bytewise() {
            let key = self.inner.stored(key)?;
            return self.write_stored(Record { key: &key, ..record }, options);
        }
        self.inner.engine().write_one(state, record, options)
    }

    // Most keys are stored as they are: their way is not to carry this along.
    #[cold]
    #[inline(never)]
    fn write_stored(&self, record: Record<'_>, options: &WriteOptions) -> Result<SeqNo> {
        let push = |records: &mut Records| records.push(record);
        self.inner.engine().write_pushed(&self.inner.state, options, push)
    }

    /// The keys at or behind stored places inside of a range: a place need not be a key.
    fn keys_at(&self, places: &[Vec<u8>], span: Span) -> Result<Vec<Slice>> {
        let mut keys = Vec::with_capacity(places.len());
        let mut scan =
            self.inner.engine().scan(&self.inner.state, span, None, Default::default())?;
        scan.leave_out_values();
        let mut scan = scan.open()?;
        scan.seek_first()?;
        let mut last = scan.key().to_vec();
        for place in places {
            scan.seek(place)?;
            if scan.is_valid() && scan.key() > last.as_slice() {
                last = scan.key().to_vec();
                keys.push(Slice::copy_from(&self.inner.state.order.shown(&last)));
            }
        }
        Ok(keys)
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
        let span = self.inner.span(range)?;
        self.inner.engine().compact(&self.inner.state, &span, &mut options)
    }

    /// About how many bytes a range takes on disk.
    pub fn approximate_bytes(&self, range: impl KeyRange) -> Result<u64> {
        self.inner.engine().approximate_bytes(&self.inner.state, &self.inner.span(range)?)
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
        let life = keyspace.inner.life(Expiry::Usual);
        self.push_value(&keyspace.inner, key.as_ref(), value.as_ref(), life);
        self
    }

    /// Takes a key away.
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> &mut Self {
        self.push(&keyspace.inner, Kind::Delete, key.as_ref(), &[]);
        self
    }

    /// Takes a key away, as `Keyspace::single_delete` does.
    pub fn single_delete(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> &mut Self {
        self.push(&keyspace.inner, Kind::SingleDelete, key.as_ref(), &[]);
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
    is_handle::<Batch>();
};
