//! What each thread tells the others: the handles that it is using, and whether it is in a
//! callback.
//!
//! A thread has a record of its own, in a list that only grows; a thread that ends leaves its
//! record to the next one. Nothing here takes a lock, so that a forked child is never left with
//! one.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use lsm_core::{Error, ErrorKind, Result};

/// How many handles one thread uses at once, callbacks within callbacks counted.
const PLACES: usize = 16;

/// One thread, as the others see it.
pub(crate) struct Record {
    in_use: [AtomicUsize; PLACES],
    is_taken: AtomicBool,
    next: AtomicPtr<Record>,
}

static RECORDS: AtomicPtr<Record> = AtomicPtr::new(ptr::null_mut());

impl Record {
    /// All records, those of threads that have ended too.
    fn all() -> impl Iterator<Item = &'static Record> {
        let mut next = RECORDS.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: records are leaked, so what the list leads to is there for ever.
            let record: &'static Record = unsafe { next.as_ref() }?;
            next = record.next.load(Ordering::Acquire);
            Some(record)
        })
    }

    /// A record that no thread has, for this one.
    fn take() -> &'static Record {
        let is_left = |record: &&Record| !record.is_taken.swap(true, Ordering::Acquire);
        if let Some(record) = Self::all().find(is_left) {
            return record;
        }
        let record: &'static Record = Box::leak(Box::new(Record {
            in_use: [const { AtomicUsize::new(0) }; PLACES],
            is_taken: AtomicBool::new(true),
            next: AtomicPtr::new(ptr::null_mut()),
        }));
        let mut head = RECORDS.load(Ordering::Relaxed);
        loop {
            record.next.store(head, Ordering::Relaxed);
            let new = ptr::from_ref(record).cast_mut();
            match RECORDS.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return record,
                Err(other) => head = other,
            }
        }
    }
}

/// This thread's own part. It needs no drop, so that reaching it costs as little as can be.
struct Mine {
    record: Cell<Option<&'static Record>>,
    callbacks: Cell<usize>,
}

/// Leaves the record to another thread when this one ends.
struct Leaves;

impl Drop for Leaves {
    fn drop(&mut self) {
        if let Some(record) = MINE.with(|mine| mine.record.take()) {
            record.is_taken.store(false, Ordering::Release);
        }
    }
}

thread_local! {
    static MINE: Mine = const { Mine { record: Cell::new(None), callbacks: Cell::new(0) } };
    static LEAVES: Leaves = const { Leaves };
}

/// One handle that this thread announces to be using, until this is dropped.
pub(crate) struct InUse {
    place: &'static AtomicUsize,
    /// A record for this one use, where the thread's own part is gone already.
    borrowed: Option<&'static Record>,
}

impl InUse {
    /// Announces a handle. Whoever wants to be sure that this is seen puts a fence behind it.
    #[inline(always)]
    pub(crate) fn announce(word: usize) -> Result<Self> {
        let Some(record) = MINE.with(|mine| mine.record.get()) else {
            return Self::announce_first(word);
        };
        let is_free = |place: &&AtomicUsize| place.load(Ordering::Relaxed) == 0;
        match record.in_use.iter().find(is_free) {
            Some(place) => {
                place.store(word, Ordering::Relaxed);
                Ok(Self { place, borrowed: None })
            }
            None => Err(too_deep()),
        }
    }

    /// The same in a thread that has no record yet.
    #[cold]
    fn announce_first(word: usize) -> Result<Self> {
        if LEAVES.try_with(|_| ()).is_err() {
            return Ok(Self::announce_late(word));
        }
        MINE.with(|mine| mine.record.set(Some(Record::take())));
        Self::announce(word)
    }

    /// The same in a thread that is ending.
    #[cold]
    fn announce_late(word: usize) -> Self {
        let record = Record::take();
        let [place, ..] = &record.in_use;
        place.store(word, Ordering::Relaxed);
        Self { place, borrowed: Some(record) }
    }
}

#[cold]
fn too_deep() -> Error {
    Error::new(ErrorKind::Busy, "too many callbacks within callbacks")
}

impl Drop for InUse {
    #[inline]
    fn drop(&mut self) {
        self.place.store(0, Ordering::Release);
        if let Some(record) = self.borrowed {
            record.is_taken.store(false, Ordering::Release);
        }
    }
}

/// True if some thread announces this handle.
pub(crate) fn is_announced(word: usize) -> bool {
    let announces = |place: &AtomicUsize| place.load(Ordering::Acquire) == word;
    Record::all().any(|record| record.in_use.iter().any(announces))
}

/// Runs a callback of the program's, in which this library refuses what could wait for it.
pub(crate) fn in_callback<T>(callback: impl FnOnce() -> T) -> T {
    struct Ends;
    impl Drop for Ends {
        fn drop(&mut self) {
            MINE.with(|mine| mine.callbacks.set(mine.callbacks.get() - 1));
        }
    }
    MINE.with(|mine| mine.callbacks.set(mine.callbacks.get() + 1));
    let _ends = Ends;
    callback()
}

/// True if a callback of the program's is running on this thread.
#[inline]
pub(crate) fn is_in_callback() -> bool {
    MINE.with(|mine| mine.callbacks.get() > 0)
}
