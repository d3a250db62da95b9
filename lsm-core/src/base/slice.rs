//! `Slice`: bytes that are handed out, and that keep what they lie in.
//!
//! Up to thirty bytes stand in the slice itself. Longer ones lie in a cached block, a memtable or a
//! buffer of their own, of which the slice holds a counted reference: a clone copies no bytes, and
//! the bytes stay however long the slice lives, even past the database.

#![allow(unsafe_code, reason = "bytes are lent by an owner whose type is forgotten")]

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Bound, Deref, RangeBounds};
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// The longest bytes that stand in the slice itself.
pub const INLINE_MAX: usize = 30;

/// A counted reference whose type a slice can forget, such as `Arc<T>`.
///
/// # Safety
///
/// What `deref` answers lies at one address and is not changed, moved or freed while a reference is
/// held, wherever the reference itself is moved to, and whether or not it is in its raw form.
/// `retain` and `release` get what `into_raw` answered, and only while a reference is held in that
/// form: they count one more and one less.
pub unsafe trait Owner: Deref + Send + Sync + Sized + 'static {
    /// Whether more stays in memory for it than the bytes of one slice.
    const IS_SHARED: bool = true;

    /// The reference as a plain pointer; it is still held.
    fn into_raw(self) -> *const ();

    /// Counts one more reference.
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw`, and has been released less often than it was retained and made.
    unsafe fn retain(raw: *const ());

    /// Gives one reference back.
    ///
    /// # Safety
    ///
    /// As for `retain`.
    unsafe fn release(raw: *const ());
}

// SAFETY: an Arc's contents stay where they are, and are only shared, until its count is zero.
unsafe impl<T: Send + Sync + 'static> Owner for Arc<T> {
    fn into_raw(self) -> *const () {
        Arc::into_raw(self).cast()
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn retain(raw: *const ()) {
        // SAFETY: `raw` came from `Arc::<T>::into_raw`, and the caller holds a count.
        unsafe { Arc::increment_strong_count(raw.cast::<T>()) }
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn release(raw: *const ()) {
        // SAFETY: `raw` came from `Arc::<T>::into_raw`, and the caller gives up a count.
        unsafe { Arc::decrement_strong_count(raw.cast::<T>()) }
    }
}

/// What is left of an owner's type.
struct Verbs {
    is_shared: bool,
    retain: unsafe fn(*const ()),
    release: unsafe fn(*const ()),
}

struct VerbsOf<O>(O);

impl<O: Owner> VerbsOf<O> {
    const VERBS: &'static Verbs =
        &Verbs { is_shared: O::IS_SHARED, retain: O::retain, release: O::release };
}

/// One counted reference to something.
struct Held {
    raw: *const (),
    verbs: &'static Verbs,
}

// SAFETY: an `Owner` is Send and Sync, and this is one.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

impl Held {
    fn new<O: Owner>(owner: O) -> Self {
        Self { raw: owner.into_raw(), verbs: VerbsOf::<O>::VERBS }
    }
}

impl Clone for Held {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: `raw` came from `into_raw` of the owner whose verbs these are, and `self` holds a
        // reference.
        unsafe { (self.verbs.retain)(self.raw) };
        Self { raw: self.raw, verbs: self.verbs }
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as in `clone`; the reference given back is the one of `self`.
        unsafe { (self.verbs.release)(self.raw) };
    }
}

#[derive(Clone)]
enum Repr {
    Short {
        len: u8,
        bytes: [u8; INLINE_MAX],
    },
    /// The length in 48 bits, so that all of it takes no more than four words.
    Long {
        len_high: u16,
        len_low: u32,
        start: NonNull<u8>,
        held: Held,
    },
}

/// Immutable bytes, cheap to clone, that stay valid however long they are kept.
#[derive(Clone)]
pub struct Slice(Repr);

const _: () = assert!(size_of::<Slice>() == 32);
const _: () = assert!(size_of::<Option<Slice>>() == 32);

// SAFETY: the bytes are only read, and what keeps them is Send and Sync.
unsafe impl Send for Slice {}
// SAFETY: as above.
unsafe impl Sync for Slice {}

impl Slice {
    /// No bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Repr::Short { len: 0, bytes: [0; INLINE_MAX] })
    }

    /// A copy of these bytes: in the slice itself if they are few, else in one allocation.
    #[must_use]
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self::short(bytes).unwrap_or_else(|| copy_long(bytes))
    }

    /// Some bytes of what `owner` refers to, which lives at least as long as the slice. Few bytes
    /// are copied, and `owner` is given back.
    #[inline]
    #[must_use]
    pub fn pinned<O: Owner>(
        owner: O,
        select: impl for<'a> FnOnce(&'a <O as Deref>::Target) -> &'a [u8],
    ) -> Self {
        let bytes = ptr::from_ref(select(&owner));
        // SAFETY: `select` works for every lifetime, so what it answers lies in what the owner
        // refers to, or for ever elsewhere; by the contract of `Owner` it stays while a reference
        // is held.
        unsafe { Self::pinned_raw(owner, bytes) }
    }

    /// The same for bytes that were found before.
    ///
    /// # Safety
    ///
    /// `bytes` lie in what `owner` keeps: they are readable, and do not change, while a reference
    /// of `owner` is held.
    #[inline]
    #[must_use]
    pub unsafe fn pinned_raw<O: Owner>(owner: O, bytes: *const [u8]) -> Self {
        // SAFETY: the caller says that the bytes are readable while `owner` is held, and it is.
        let found = unsafe { &*bytes };
        if let Some(short) = Self::short(found) {
            return short;
        }
        Self(long(NonNull::from(found).cast(), found.len(), Held::new(owner)))
    }

    /// A part of these bytes, not copied unless it is short. A range that goes past the end ends
    /// there, and one that begins past the end is empty.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Slice {
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => usize::MAX,
        };
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = end.min(self.len());
        let part = self.get(start.min(end)..end).unwrap_or_default();
        match (Self::short(part), &self.0) {
            (None, Repr::Long { held, .. }) => {
                Self(long(NonNull::from(part).cast(), part.len(), held.clone()))
            }
            (short, _) => short.unwrap_or_default(),
        }
    }

    /// A copy that keeps nothing but itself in memory.
    #[must_use]
    pub fn detach(&self) -> Slice {
        Self::copy_from(self)
    }

    /// The bytes.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self
    }

    /// True if the bytes keep something else in memory, such as a block: `detach` would free it.
    #[must_use]
    pub fn is_pinning(&self) -> bool {
        match &self.0 {
            Repr::Short { .. } => false,
            Repr::Long { held, .. } => held.verbs.is_shared,
        }
    }

    #[inline]
    fn short(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE_MAX];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        // At most INLINE_MAX, so it is not cut.
        Some(Self(Repr::Short { len: from.len() as u8, bytes }))
    }
}

/// `len` bytes at `start`, which `held` keeps.
fn long(start: NonNull<u8>, len: usize, held: Held) -> Repr {
    // No bytes in memory are longer: an address has at most 57 bits, and those above 48 are told
    // apart from none by the check, which costs a shift.
    let len = len as u64;
    debug_assert!(len >> 48 == 0);
    Repr::Long { len_high: (len >> 32) as u16, len_low: len as u32, start, held }
}

impl Deref for Slice {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            // SAFETY: `len` is at most INLINE_MAX: only `short` and `new` make this variant.
            Repr::Short { len, bytes } => unsafe { bytes.get_unchecked(..usize::from(*len)) },
            Repr::Long { len_high, len_low, start, .. } => {
                let len = u64::from(*len_high) << 32 | u64::from(*len_low);
                // SAFETY: `long` got these bytes with what keeps them, and `self` holds that as
                // long as the answer lives.
                unsafe { std::slice::from_raw_parts(start.as_ptr(), len as usize) }
            }
        }
    }
}

/// Bytes of our own in one allocation: eight for their length, so that one word finds all.
struct Copied(ManuallyDrop<Arc<[u8]>>);

const LEN_LEN: usize = size_of::<usize>();

fn copy_long(bytes: &[u8]) -> Slice {
    let mut memory = Arc::<[u8]>::new_uninit_slice(LEN_LEN + bytes.len());
    let len = bytes.len().to_ne_bytes();
    if let Some(places) = Arc::get_mut(&mut memory) {
        for (place, byte) in places.iter_mut().zip(len) {
            place.write(byte);
        }
        if let Some(places) = places.get_mut(LEN_LEN..) {
            fill(places, bytes);
        }
    }
    // SAFETY: nobody else has the Arc, so its bytes were had: the length, and as many as there are.
    let memory = unsafe { memory.assume_init() };
    Slice::pinned(Copied(ManuallyDrop::new(memory)), |all| all.get(LEN_LEN..).unwrap_or_default())
}

/// Writes all of `bytes` to places that are as many.
fn fill(places: &mut [MaybeUninit<u8>], bytes: &[u8]) {
    debug_assert_eq!(places.len(), bytes.len());
    let len = places.len().min(bytes.len());
    // SAFETY: both are at least `len` long, and what is borrowed mutably overlaps nothing.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), places.as_mut_ptr().cast(), len) };
}

impl Deref for Copied {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Copied {
    /// The Arc whose bytes begin at `raw`, not counted anew.
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw`, and a count is held.
    unsafe fn from_raw(raw: *const ()) -> Copied {
        // SAFETY: the bytes begin with their number, as `copy_long` wrote it.
        let len = unsafe { raw.cast::<usize>().read_unaligned() };
        let all = ptr::slice_from_raw_parts(raw.cast::<u8>(), LEN_LEN + len);
        // SAFETY: this is the pointer that `Arc::into_raw` gave, with its length.
        Copied(ManuallyDrop::new(unsafe { Arc::from_raw(all) }))
    }
}

// SAFETY: as for `Arc<T>`. That nothing is dropped without `release` only keeps memory.
unsafe impl Owner for Copied {
    const IS_SHARED: bool = false;

    fn into_raw(self) -> *const () {
        Arc::into_raw(ManuallyDrop::into_inner(self.0)).cast()
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn retain(raw: *const ()) {
        // SAFETY: the caller's contract is that of `from_raw`. The clone is the new count, and
        // nothing here drops one.
        let one = unsafe { Self::from_raw(raw) };
        let _counted = ManuallyDrop::clone(&one.0);
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn release(raw: *const ()) {
        // SAFETY: as in `retain`; the count that is dropped is the caller's.
        drop(ManuallyDrop::into_inner(unsafe { Self::from_raw(raw) }.0));
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self::new()
    }
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for Slice {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

impl From<&[u8]> for Slice {
    fn from(bytes: &[u8]) -> Self {
        Self::copy_from(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Slice {
    fn from(bytes: &[u8; N]) -> Self {
        Self::copy_from(bytes)
    }
}

impl From<&str> for Slice {
    fn from(text: &str) -> Self {
        Self::copy_from(text.as_bytes())
    }
}

impl From<Vec<u8>> for Slice {
    /// Copies no more than a few bytes: the vector is kept, with the room it has to spare.
    fn from(bytes: Vec<u8>) -> Self {
        Self::short(&bytes).unwrap_or_else(|| Self::pinned(Arc::new(bytes), Vec::as_slice))
    }
}

impl From<String> for Slice {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<Box<[u8]>> for Slice {
    fn from(bytes: Box<[u8]>) -> Self {
        Self::from(Vec::from(bytes))
    }
}

impl From<Slice> for Vec<u8> {
    fn from(slice: Slice) -> Self {
        slice.to_vec()
    }
}

impl<'a> IntoIterator for &'a Slice {
    type Item = &'a u8;
    type IntoIter = std::slice::Iter<'a, u8>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Slice {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Slice {}

impl PartialOrd for Slice {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Slice {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Slice {
    /// As the bytes are hashed, so that maps can be asked with them.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// Compares with what has bytes, from both sides.
macro_rules! comparisons {
    ($($other:ty),*) => {$(
        impl PartialEq<$other> for Slice {
            fn eq(&self, other: &$other) -> bool {
                **self == *AsRef::<[u8]>::as_ref(other)
            }
        }

        impl PartialEq<Slice> for $other {
            fn eq(&self, other: &Slice) -> bool {
                other == self
            }
        }

        impl PartialOrd<$other> for Slice {
            fn partial_cmp(&self, other: &$other) -> Option<Ordering> {
                Some((**self).cmp(AsRef::<[u8]>::as_ref(other)))
            }
        }
    )*};
}

comparisons!([u8], &[u8], Vec<u8>, str, &str, String);

impl<const N: usize> PartialEq<[u8; N]> for Slice {
    fn eq(&self, other: &[u8; N]) -> bool {
        **self == *other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Slice {
    fn eq(&self, other: &&[u8; N]) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests;
