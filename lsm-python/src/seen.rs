//! What can be read: a keyspace as it is, or as a snapshot or with options, and how it is read.

use std::ops::Deref;
use std::sync::Arc;

use lsm_core::{
    CallOptions, Cursor, Error, ErrorKind, Expiry, ExplainOptions, Explanation, Keyspace,
    KeyspaceWith, RangeExplanation, ReadOptions, Slice, Snapshot, WriteOptions,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::border::errors::{Failure, Outcome};
use crate::border::input::{Input, Span};
use crate::border::lock::Lock;
use crate::border::wait::detached;
use crate::border::write::How;
use crate::life::Life;

/// So many keys are looked up until signals are heard.
const KEYS_UNHEARD: usize = 4096;

/// One view of one keyspace.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) life: Arc<Life>,
    pub(crate) keyspace: Keyspace,
    /// As it was asked for.
    full: KeyspaceWith,
    options: ReadOptions,
    /// The same without the disk: for a first look, while other threads wait for the interpreter.
    quick: Option<KeyspaceWith>,
    pub(crate) snapshot: Option<Snapshot>,
}

impl Seen {
    pub(crate) fn new(
        life: &Arc<Life>,
        keyspace: Keyspace,
        snapshot: Option<Snapshot>,
        options: ReadOptions,
    ) -> Self {
        let with = |options| match &snapshot {
            Some(snapshot) => keyspace.at(snapshot).with(options),
            None => keyspace.with(options),
        };
        let full = with(options);
        let quick = (!options.is_verifying()).then(|| with(options.cached_only(true)));
        Self { life: life.clone(), full, options, quick, keyspace, snapshot }
    }

    /// The value of a key, made by `made` of its bytes.
    pub(crate) fn look<T>(
        &self,
        py: Python<'_>,
        key: &[u8],
        made: impl Fn(&[u8]) -> T,
    ) -> Outcome<Option<T>> {
        match self.look_now(key, |value| made(value.bytes())) {
            Err(failure) if failure.is_busy() => {}
            found => return found,
        }
        let found = detached(py, || self.full.get(key))?;
        Ok(found.map(|value| made(&value)))
    }

    /// The same for as long as it is wanted.
    pub(crate) fn keep(&self, py: Python<'_>, key: &[u8]) -> Outcome<Option<Slice>> {
        match self.look_now(key, |value| value.try_keep()) {
            Err(failure) if failure.is_busy() => detached(py, || self.full.get(key)),
            found => Ok(found?.transpose()?),
        }
    }

    /// When the value of a key expires.
    pub(crate) fn expiry(&self, py: Python<'_>, key: &[u8]) -> Outcome<Option<Expiry>> {
        match self.look_now(key, |value| value.expiry()) {
            Err(failure) if failure.is_busy() => detached(py, || self.full.expiry(key)),
            found => found,
        }
    }

    /// The value, if no disk is needed for it; `Busy` otherwise.
    pub(crate) fn look_now<T>(
        &self,
        key: &[u8],
        made: impl FnMut(lsm_core::Lent<'_>) -> T,
    ) -> Outcome<Option<T>> {
        match &self.quick {
            Some(quick) => Ok(quick.look(key, made)?),
            None => Err(Error::new(ErrorKind::Busy, "what is verified is read from disk").into()),
        }
    }

    pub(crate) fn get<'py>(
        &self,
        py: Python<'py>,
        key: &[u8],
    ) -> Outcome<Option<Bound<'py, PyBytes>>> {
        self.look(py, key, |value| PyBytes::new(py, value))
    }

    /// The values of several keys, all of one moment.
    /// Signals are heard now and then: a long list is looked up in parts, by one snapshot.
    pub(crate) fn get_many(
        &self,
        py: Python<'_>,
        keys: &[Input<'_>],
    ) -> Outcome<Vec<Option<Slice>>> {
        if keys.len() <= KEYS_UNHEARD {
            return detached(py, || self.full.get_many(keys));
        }
        let snapshot = match &self.snapshot {
            Some(snapshot) => snapshot.clone(),
            None => self.life.db.snapshot()?,
        };
        let at = self.keyspace.at(&snapshot).with(self.options);
        let mut found = Vec::with_capacity(keys.len());
        for part in keys.chunks(KEYS_UNHEARD) {
            found.extend(detached(py, || at.get_many(part))?);
            py.check_signals()?;
        }
        Ok(found)
    }

    pub(crate) fn get_many_now(&self, keys: &[Input<'_>]) -> Outcome<Vec<Option<Slice>>> {
        match &self.quick {
            Some(quick) => Ok(quick.get_many(keys)?),
            None => Err(Error::new(ErrorKind::Busy, "what is verified is read from disk").into()),
        }
    }

    /// A cursor over a span, and over its keys alone if nobody wants the values.
    pub(crate) fn cursor(&self, span: &Span, is_keys_only: bool) -> Result<Cursor, Error> {
        self.life.check()?;
        let range = self.full.range(span);
        Ok(if is_keys_only { range.keys().cursor() } else { range.cursor() })
    }

    pub(crate) fn count(&self, span: &Span, options: CallOptions<'_>) -> Result<u64, Error> {
        self.full.count_with(span, options)
    }

    /// What a lookup does.
    pub(crate) fn explain_get(&self, py: Python<'_>, key: &[u8]) -> Outcome<Explanation> {
        detached(py, || self.full.explain_get(key))
    }

    pub(crate) fn explain_range(
        &self,
        span: &Span,
        how: ExplainOptions<'_>,
    ) -> Result<RangeExplanation, Error> {
        self.full.explain_range_with(span, how)
    }

    pub(crate) fn set(&self, py: Python<'_>, how: &How, key: &[u8], value: &[u8]) -> Outcome<()> {
        let bytes = key.len().saturating_add(value.len());
        how.write(py, &self.life, bytes, |options| self.keyspace.put_with(key, value, options))
            .map(drop)
    }

    pub(crate) fn merge(
        &self,
        py: Python<'_>,
        how: &How,
        key: &[u8],
        operand: &[u8],
    ) -> Outcome<()> {
        let bytes = key.len().saturating_add(operand.len());
        how.write(py, &self.life, bytes, |options| self.keyspace.merge_with(key, operand, options))
            .map(drop)
    }

    pub(crate) fn unset(&self, py: Python<'_>, how: &How, key: &[u8]) -> Outcome<()> {
        how.write(py, &self.life, key.len(), |options| self.keyspace.delete_with(key, options))
            .map(drop)
    }

    pub(crate) fn unset_single(&self, py: Python<'_>, how: &How, key: &[u8]) -> Outcome<()> {
        let delete = |options: &WriteOptions| self.keyspace.single_delete_with(key, options);
        how.write(py, &self.life, key.len(), delete).map(drop)
    }

    /// True if a key lies in a span, in the order of the keyspace.
    pub(crate) fn holds(&self, py: Python<'_>, span: &Span, key: &[u8]) -> Outcome<bool> {
        detached(py, || self.keyspace.is_within(span, key))
    }

    pub(crate) fn unset_span(&self, py: Python<'_>, how: &How, span: &Span) -> Outcome<()> {
        how.write(py, &self.life, 0, |options| self.keyspace.delete_range_with(span, options))
            .map(drop)
    }
}

/// A view, and whether it can be closed by itself, as a snapshot can.
#[derive(Debug)]
pub(crate) enum Sight {
    Lasting(Arc<Seen>),
    Passing(Lock<Option<Arc<Seen>>>),
}

/// A view while it is used.
pub(crate) enum Open<'a> {
    Lent(&'a Arc<Seen>),
    Own(Arc<Seen>),
}

impl Deref for Open<'_> {
    type Target = Arc<Seen>;

    #[inline]
    fn deref(&self) -> &Arc<Seen> {
        match self {
            Self::Lent(seen) => seen,
            Self::Own(seen) => seen,
        }
    }
}

impl Sight {
    #[inline]
    pub(crate) fn open(&self, py: Python<'_>) -> Outcome<Open<'_>> {
        match self {
            Self::Lasting(seen) => Ok(Open::Lent(seen)),
            Self::Passing(seen) => {
                let seen = seen.lock(py).clone();
                seen.map(Open::Own).ok_or_else(|| Failure::closed("snapshot"))
            }
        }
    }

    /// Lets go of what is seen.
    pub(crate) fn close(&self, py: Python<'_>) {
        if let Self::Passing(seen) = self {
            let gone = seen.lock(py).take();
            py.detach(|| drop(gone));
        }
    }
}
