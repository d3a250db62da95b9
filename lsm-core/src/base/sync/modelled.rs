//! The model checker's face of `sync`: the same names, and orderings that a test can weaken.
//!
//! Loom takes a sequentially consistent access for an acquiring and releasing one. So each stands
//! beside a sequentially consistent fence here, behind a store and before a load, which loom does
//! know: that is a little more than the language promises, as its fences also order what is around
//! them.
//!
//! A mistake is planted in this face and not in the code: all accesses of one kind become weaker,
//! for the threads of one model. A model that finds nothing then proves nothing.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;

use loom::sync as loomed;
use loom::sync::atomic as checked;

pub mod testing;

use testing::{Mistake, planted};

macro_rules! atomics {
    ($($name:ident($inner:ty, $value:ty);)*) => { $(
        /// The model's atomic of this name.
        #[allow(missing_docs, reason = "as in the standard library")]
        pub struct $name($inner);

        #[allow(missing_docs, reason = "as in the standard library")]
        impl $name {
            pub fn new(value: $value) -> Self {
                Self(<$inner>::new(value))
            }

            pub fn load(&self, order: Ordering) -> $value {
                before(order);
                self.0.load(load_order(order))
            }

            pub fn store(&self, value: $value, order: Ordering) {
                self.0.store(value, store_order(order));
                behind(order);
            }

            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                both(order, |order| self.0.swap(value, order))
            }

            pub fn compare_exchange(
                &self,
                from: $value,
                to: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                both(success, |order| {
                    self.0.compare_exchange(from, to, order, load_order(failure))
                })
            }

            pub fn compare_exchange_weak(
                &self,
                from: $value,
                to: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(from, to, success, failure)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )* };
}

macro_rules! numbers {
    ($($name:ident($inner:ident, $value:ty);)*) => { $(
        atomics! { $name(checked::$inner, $value); }

        #[allow(missing_docs, reason = "as in the standard library")]
        impl $name {
            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                both(order, |order| self.0.fetch_add(value, order))
            }

            pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                both(order, |order| self.0.fetch_sub(value, order))
            }

            pub fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                both(order, |order| self.0.fetch_and(value, order))
            }

            pub fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                both(order, |order| self.0.fetch_max(value, order))
            }

            pub fn fetch_min(&self, value: $value, order: Ordering) -> $value {
                both(order, |order| self.0.fetch_min(value, order))
            }

            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut seen = self.load(fetch);
                while let Some(new) = change(seen) {
                    match self.compare_exchange_weak(seen, new, set, fetch) {
                        Ok(old) => return Ok(old),
                        Err(other) => seen = other,
                    }
                }
                Err(seen)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }
    )* };
}

numbers! {
    AtomicU8(AtomicU8, u8);
    AtomicI32(AtomicI32, i32);
    AtomicU32(AtomicU32, u32);
    AtomicU64(AtomicU64, u64);
    AtomicUsize(AtomicUsize, usize);
}

atomics! { AtomicBool(checked::AtomicBool, bool); }

impl Default for AtomicBool {
    fn default() -> Self {
        Self::new(false)
    }
}

/// The model's atomic pointer.
pub struct AtomicPtr<T>(checked::AtomicPtr<T>);

#[allow(missing_docs, reason = "as in the standard library")]
impl<T> AtomicPtr<T> {
    pub fn new(value: *mut T) -> Self {
        Self(checked::AtomicPtr::new(value))
    }

    pub fn load(&self, order: Ordering) -> *mut T {
        before(order);
        self.0.load(load_order(order))
    }

    pub fn store(&self, value: *mut T, order: Ordering) {
        self.0.store(value, store_order(order));
        behind(order);
    }

    pub fn compare_exchange(
        &self,
        from: *mut T,
        to: *mut T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        both(success, |order| self.0.compare_exchange(from, to, order, load_order(failure)))
    }
}

impl<T> fmt::Debug for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtomicPtr")
    }
}

/// Orders what is around it.
pub fn fence(order: Ordering) {
    match (planted(), order) {
        (Some(Mistake::AcquireFences), Ordering::Acquire)
        | (Some(Mistake::ReleaseFences), Ordering::Release) => {}
        _ => checked::fence(order),
    }
}

/// Lets the threads run that are waited for.
pub fn look_again() {
    loom::thread::yield_now();
}

/// The number of the model's thread that runs, from 0 on.
pub fn thread_index() -> usize {
    let name = format!("{:?}", loom::thread::current().id());
    let digits = name.chars().filter(char::is_ascii_digit);
    digits.fold(0, |number, digit| number * 10 + digit as usize - '0' as usize)
}

fn is_strict(order: Ordering) -> bool {
    order == Ordering::SeqCst && planted() != Some(Mistake::SeqCst)
}

fn before(order: Ordering) {
    if is_strict(order) {
        checked::fence(Ordering::SeqCst);
    }
}

fn behind(order: Ordering) {
    before(order);
}

fn both<T>(order: Ordering, access: impl FnOnce(Ordering) -> T) -> T {
    before(order);
    let answer = access(both_order(order));
    behind(order);
    answer
}

fn load_order(order: Ordering) -> Ordering {
    match order {
        Ordering::SeqCst => Ordering::Acquire,
        Ordering::Acquire if planted() == Some(Mistake::Acquire) => Ordering::Relaxed,
        order => order,
    }
}

fn store_order(order: Ordering) -> Ordering {
    match order {
        Ordering::SeqCst => Ordering::Release,
        Ordering::Release if planted() == Some(Mistake::Release) => Ordering::Relaxed,
        order => order,
    }
}

fn both_order(order: Ordering) -> Ordering {
    match (order, planted()) {
        (Ordering::SeqCst, _) => Ordering::AcqRel,
        (Ordering::AcqRel | Ordering::Release, Some(Mistake::Counts)) => Ordering::Relaxed,
        (order, _) => order,
    }
}

/// A value that is set once.
pub struct OnceLock<T> {
    is_set: AtomicBool,
    value: std::sync::OnceLock<T>,
}

#[allow(missing_docs, reason = "as in the standard library")]
impl<T> OnceLock<T> {
    pub fn new() -> Self {
        Self { is_set: AtomicBool::new(false), value: std::sync::OnceLock::new() }
    }

    pub fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
    }

    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.is_set.store(true, Ordering::Release);
        Ok(())
    }

    pub fn take(&mut self) -> Option<T> {
        self.is_set = AtomicBool::new(false);
        self.value.take()
    }

    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if self.get().is_none() {
            // The other one was faster, and may not have said so yet.
            let _ = self.set(make());
        }
        self.value.get_or_init(|| unreachable!())
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The model's lock, without poison.
#[derive(Default)]
pub struct Mutex<T>(loomed::Mutex<T>);

/// The right to what a `Mutex` holds.
pub struct MutexGuard<'a, T>(loomed::MutexGuard<'a, T>);

#[allow(missing_docs, reason = "as of the machine's locks")]
impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Self(loomed::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(MutexGuard)
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The model's lock for one writer or many readers, without poison.
#[derive(Default)]
pub struct RwLock<T>(loomed::RwLock<T>);

#[allow(missing_docs, reason = "as of the machine's locks")]
impl<T> RwLock<T> {
    pub fn new(value: T) -> Self {
        Self(loomed::RwLock::new(value))
    }

    pub fn read(&self) -> loomed::RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn try_read(&self) -> Option<loomed::RwLockReadGuard<'_, T>> {
        self.0.try_read().ok()
    }

    pub fn write(&self) -> loomed::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RwLock")
    }
}

/// Memory that is not atomic, as the model checker watches it.
#[derive(Debug)]
pub struct Plain(loom::cell::UnsafeCell<()>);

#[allow(missing_docs, reason = "as in the other face")]
impl Plain {
    pub fn new() -> Self {
        Self(loom::cell::UnsafeCell::new(()))
    }

    pub fn write(&self) {
        self.0.with_mut(|_| ());
    }

    pub fn read(&self) {
        self.0.with(|_| ());
    }
}

impl Default for Plain {
    fn default() -> Self {
        Self::new()
    }
}
