//! Reads: of a keyspace as it is, as a snapshot sees it, and with options.

use crate::api::bounds::KeyRange;
use crate::api::cursor::Cursor;
use crate::api::explain::ExplainOptions;
use crate::api::keyspace_ref::KeyspaceRef;
use crate::api::range::Range;
use crate::api::snapshot::Snapshot;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::room::make_room;
use crate::base::slice::Slice;
use crate::engine::scan::Span;
use crate::engine::snapshots::SnapshotPin;
use crate::engine::state::Engine;
use crate::options::expiry::Expiry;
use crate::options::progress::CallOptions;
use crate::options::read::ReadOptions;
use crate::read::access::{Access, Usual};
use crate::read::explain::{Explanation, RangeExplanation};
use crate::read::get::Found;
use crate::stats::looked::Looked;

/// What can be read, of the newest or of a snapshot: by `Db`, for its default keyspace, `Keyspace`,
/// `KeyspaceAt` and `KeyspaceWith`. All four have the same verbs without the trait, too.
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

    /// Shows the value of a key to `look` where it stands, and answers what that answers; `None` if
    /// there is no value. Nothing is copied. Tables and memtables that are done with stay until
    /// `look` returns.
    fn look<T>(&self, key: impl AsRef<[u8]>, look: impl FnMut(Lent<'_>) -> T) -> Result<Option<T>>;

    /// When the value of a key expires, or that it never does; `None` if the key has no value.
    fn expiry(&self, key: impl AsRef<[u8]>) -> Result<Option<Expiry>> {
        self.look(key, |value| value.expiry())
    }

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

    /// Looks a key up as `get` does, and tells which memtables, tables, filters and blocks were
    /// asked, what each said, and what it cost. It counts as a `get` in the statistics.
    fn explain_get(&self, key: impl AsRef<[u8]>) -> Result<Explanation>;

    /// Walks through a range as a scan does, and tells what it read from, what it passed over, and
    /// what that cost. It counts as a scan in the statistics.
    fn explain_range(&self, range: impl KeyRange) -> Result<RangeExplanation> {
        self.explain_range_with(range, ExplainOptions::new())
    }

    /// As `explain_range`, for so many pairs, in the other direction, told how far it is, or
    /// stopped.
    fn explain_range_with(
        &self,
        range: impl KeyRange,
        options: ExplainOptions<'_>,
    ) -> Result<RangeExplanation>;
}

/// A value where it stands, for the time of `Read::look`.
#[derive(Debug)]
pub struct Lent<'a> {
    found: Found<'a>,
    engine: &'a Engine,
}

impl Lent<'_> {
    /// Its bytes.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.found.bytes()
    }

    /// When the value expires, or that it never does.
    #[inline]
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        Expiry::from_stored(self.found.expiry_millis())
    }

    /// The value as `Read::get` answers it, for as long as it is wanted.
    #[inline]
    #[must_use]
    pub fn keep(self) -> Slice {
        self.engine.keep(self.found)
    }

    /// The same. Where there is no memory for a copy of a long one, it is empty and that is noted.
    #[inline]
    fn keep_if_it_fits(self, refused: &mut Option<Error>) -> Slice {
        self.engine.keep_if_it_fits(self.found, refused)
    }

    /// The same, or `OutOfMemory` where there is no memory for a copy of a long one.
    #[inline]
    pub fn try_keep(self) -> Result<Slice> {
        let mut refused = None;
        let kept = self.keep_if_it_fits(&mut refused);
        refused.map_or(Ok(kept), Err)
    }
}

/// A keyspace as a snapshot sees it.
#[derive(Clone, Debug)]
pub struct KeyspaceAt {
    inner: KeyspaceRef,
    snapshot: Snapshot,
}

/// A keyspace, or what a snapshot sees of it, with options for every read.
#[derive(Clone, Debug)]
pub struct KeyspaceWith {
    inner: KeyspaceRef,
    snapshot: Option<Snapshot>,
    options: ReadOptions,
}

impl KeyspaceAt {
    pub(crate) fn new(keyspace: &KeyspaceRef, snapshot: &Snapshot) -> Self {
        Self { inner: keyspace.clone(), snapshot: snapshot.clone() }
    }

    /// The same, read with these options.
    #[must_use]
    pub fn with(&self, options: ReadOptions) -> KeyspaceWith {
        KeyspaceWith::new(&self.inner, Some(&self.snapshot), options)
    }
}

impl KeyspaceWith {
    pub(crate) fn new(
        keyspace: &KeyspaceRef,
        snapshot: Option<&Snapshot>,
        options: ReadOptions,
    ) -> Self {
        Self { inner: keyspace.clone(), snapshot: snapshot.cloned(), options }
    }
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

            /// When the value of a key expires, or that it never does; `None` if the key has no
            /// value.
            pub fn expiry(
                &self,
                key: impl AsRef<[u8]>,
            ) -> Result<Option<$crate::options::expiry::Expiry>> {
                Read::expiry(self, key)
            }

            /// Shows the value of a key to `look` where it stands; `None` if there is no value.
            /// Nothing is copied.
            pub fn look<T>(
                &self,
                key: impl AsRef<[u8]>,
                look: impl FnMut($crate::api::read::Lent<'_>) -> T,
            ) -> Result<Option<T>> {
                Read::look(self, key, look)
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

            /// Looks a key up as `get` does, and tells which memtables, tables, filters and blocks
            /// were asked, what each said, and what it cost.
            pub fn explain_get(
                &self,
                key: impl AsRef<[u8]>,
            ) -> Result<$crate::read::explain::Explanation> {
                Read::explain_get(self, key)
            }

            /// Walks through a range as a scan does, and tells what it read from, what it passed
            /// over, and what that cost.
            pub fn explain_range(
                &self,
                range: impl KeyRange,
            ) -> Result<$crate::read::explain::RangeExplanation> {
                Read::explain_range(self, range)
            }

            /// As `explain_range`, for so many pairs, in the other direction, told how far it is,
            /// or stopped.
            pub fn explain_range_with(
                &self,
                range: impl KeyRange,
                options: $crate::api::explain::ExplainOptions<'_>,
            ) -> Result<$crate::read::explain::RangeExplanation> {
                Read::explain_range_with(self, range, options)
            }
        }
    };
}

pub(crate) use inherent_reads;

inherent_reads!(KeyspaceAt);
inherent_reads!(KeyspaceWith);

/// The moment that a read sees, and how it gets there.
pub(crate) trait Moment {
    /// How tables are got at.
    type How: Access;

    /// Where it reads.
    fn keyspace(&self) -> &KeyspaceRef;
    /// The snapshot; an error if it is of another database.
    fn at(&self) -> Result<Option<&SnapshotPin>>;
    /// How tables are got at.
    fn how(&self) -> Self::How;
}

impl Moment for KeyspaceAt {
    type How = Usual;

    fn keyspace(&self) -> &KeyspaceRef {
        &self.inner
    }

    fn at(&self) -> Result<Option<&SnapshotPin>> {
        pin_in(&self.inner, &self.snapshot).map(Some)
    }

    fn how(&self) -> Usual {
        Usual
    }
}

impl Moment for KeyspaceWith {
    type How = ReadOptions;

    fn keyspace(&self) -> &KeyspaceRef {
        &self.inner
    }

    fn at(&self) -> Result<Option<&SnapshotPin>> {
        self.options.check()?;
        self.snapshot.as_ref().map(|snapshot| pin_in(&self.inner, snapshot)).transpose()
    }

    fn how(&self) -> ReadOptions {
        self.options
    }
}

/// What a snapshot sees, if it is of this database.
fn pin_in<'s>(keyspace: &KeyspaceRef, snapshot: &'s Snapshot) -> Result<&'s SnapshotPin> {
    if snapshot.pin.is_of(&keyspace.engine().snapshots) {
        return Ok(&snapshot.pin);
    }
    let message = "the snapshot was taken of another database";
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

impl<M: Moment> Read for M {
    fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        let mut refused = None;
        let found = self.look(key, |value| value.keep_if_it_fits(&mut refused))?;
        refused.map_or(Ok(found), Err)
    }

    fn get_into(&self, key: impl AsRef<[u8]>, buffer: &mut Vec<u8>) -> Result<bool> {
        let copied = self.look(key, |value| {
            buffer.clear();
            make_room(buffer, value.bytes().len(), "a copy of a value")?;
            buffer.extend_from_slice(value.bytes());
            Ok(())
        });
        Ok(copied?.transpose()?.is_some())
    }

    fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Slice>>> {
        let (keyspace, at) = (self.keyspace(), self.at()?);
        let engine = keyspace.engine();
        if keyspace.is_bytewise() {
            return engine.get_many(self.how(), &keyspace.state, keys, at);
        }
        let stored = |key: K| Ok(keyspace.stored(key.as_ref())?.into_owned());
        let keys: Vec<Vec<u8>> = keys.into_iter().map(stored).collect::<Result<_>>()?;
        engine.get_many(self.how(), &keyspace.state, keys, at)
    }

    fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.expiry(key)?.is_some())
    }

    fn expiry(&self, key: impl AsRef<[u8]>) -> Result<Option<Expiry>> {
        let keyspace = self.keyspace();
        let at = self.at()?;
        let (engine, state) = (keyspace.engine(), &keyspace.state);
        if !M::How::IS_USUAL || !keyspace.is_bytewise() {
            let mut expiry = None;
            let mut show = |found: Found<'_>| expiry = Some(found.expiry_millis());
            look_aside((keyspace, self.how()), key.as_ref(), (at, false), &mut show)?;
            return Ok(expiry.map(Expiry::from_stored));
        }
        let expiry = engine.expiry_of(self.how(), state, key.as_ref(), at)?;
        Ok(expiry.map(Expiry::from_stored))
    }

    #[inline]
    fn look<T>(
        &self,
        key: impl AsRef<[u8]>,
        mut look: impl FnMut(Lent<'_>) -> T,
    ) -> Result<Option<T>> {
        let keyspace = self.keyspace();
        let at = self.at()?;
        let engine = keyspace.engine();
        let mut show = |found: Found<'_>| look(Lent { found, engine });
        if !M::How::IS_USUAL || !keyspace.is_bytewise() {
            let mut shown = None;
            let mut show = |found: Found<'_>| shown = Some(show(found));
            look_aside((keyspace, self.how()), key.as_ref(), (at, true), &mut show)?;
            return Ok(shown);
        }
        engine.get(self.how(), &keyspace.state, key.as_ref(), at, show)
    }

    fn range(&self, range: impl KeyRange) -> Range {
        scan(self, self.keyspace().span(range))
    }

    fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        scan(self, self.keyspace().prefix_span(prefix.as_ref()))
    }

    fn explain_get(&self, key: impl AsRef<[u8]>) -> Result<Explanation> {
        let keyspace = self.keyspace();
        let at = self.at()?;
        keyspace.engine().explain_get(self.how(), &keyspace.state, key.as_ref(), at)
    }

    fn explain_range_with(
        &self,
        range: impl KeyRange,
        options: ExplainOptions<'_>,
    ) -> Result<RangeExplanation> {
        let keyspace = self.keyspace();
        let (at, (walk, mut call)) = (self.at()?, options.parts());
        let what = (keyspace.span(range)?, self.how().options());
        keyspace.engine().explain_range(&keyspace.state, what, at, walk, &mut call)
    }
}

/// Looks up a key that is not stored as it is, or in a way of its own. Usual lookups are not to
/// carry this along, and all others share it.
#[cold]
#[inline(never)]
fn look_aside<A: Access>(
    (keyspace, how): (&KeyspaceRef, A),
    key: &[u8],
    (at, is_wanted): (Option<&SnapshotPin>, bool),
    show: &mut dyn FnMut(Found<'_>),
) -> Result<()> {
    let key = keyspace.stored(key)?;
    let access = (how, &mut Looked::default());
    keyspace.engine().get_told(access, &keyspace.state, &key, (at, is_wanted), show).map(drop)
}

/// The pairs of a range of stored keys.
fn scan(reads: &impl Moment, span: Result<Span>) -> Range {
    let keyspace = reads.keyspace();
    let opened = reads
        .at()
        .and_then(|at| keyspace.engine().scan(&keyspace.state, span?, at, reads.how().options()));
    Range::new(opened)
}

/// What can be handed to any thread, and kept.
const _: () = {
    const fn is_handle<T: Send + Sync + 'static>() {}
    is_handle::<KeyspaceAt>();
    is_handle::<KeyspaceWith>();
    is_handle::<Snapshot>();
    is_handle::<Slice>();
    is_handle::<Error>();
};
