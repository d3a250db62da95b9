//! A compaction filter of the stories, which remembers what it was shown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lsm_core::{
    CompactionFilter, Error, ErrorKind, Expiry, FilterContext, FilterDecision, KeyspaceOptions,
    Result,
};

/// What is done with each call.
pub type Meanwhile = Box<dyn FnMut(&str) + Send>;

/// What a filter was told beside a value: keyspace, level, whether that is the last, and the end.
pub type Context = (String, u8, bool, Expiry);

/// Removes what begins with `x`, puts `new` in the place of what begins with `old`, fails at what
/// begins with `fail` and panics at `panic`; and remembers what it was shown.
#[derive(Clone, Default)]
pub struct Sweeper {
    pub shown: Arc<Mutex<Vec<String>>>,
    pub contexts: Arc<Mutex<Vec<Context>>>,
    pub meanwhile: Arc<Mutex<Option<Meanwhile>>>,
    pub is_off: Arc<AtomicBool>,
}

impl CompactionFilter for Sweeper {
    fn name(&self) -> &str {
        "sweeper"
    }

    fn filter(
        &self,
        key: &[u8],
        value: &[u8],
        context: &FilterContext<'_>,
    ) -> Result<FilterDecision> {
        let key = String::from_utf8_lossy(key).into_owned();
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().as_mut() {
            meanwhile(&key);
        }
        self.shown.lock().unwrap().push(key);
        let FilterContext { keyspace, level, is_last_level, expiry, .. } = *context;
        let context = (keyspace.to_owned(), level, is_last_level, expiry);
        self.contexts.lock().unwrap().push(context);
        assert!(!value.starts_with(b"panic"), "as it was told");
        Ok(match value {
            _ if self.is_off.load(Ordering::Relaxed) => FilterDecision::Keep,
            [b'x', ..] => FilterDecision::Remove,
            [b'o', b'l', b'd', ..] => FilterDecision::Replace(b"new".to_vec()),
            [b'f', b'a', b'i', b'l', ..] => {
                return Err(Error::new(ErrorKind::Unsupported, "as it was told"));
            }
            _ => FilterDecision::Keep,
        })
    }
}

impl Sweeper {
    /// What it was shown since this was asked last, in order.
    pub fn take_shown(&self) -> Vec<String> {
        let mut shown = std::mem::take(&mut *self.shown.lock().unwrap());
        shown.sort_unstable();
        shown
    }
}

pub fn swept() -> KeyspaceOptions {
    KeyspaceOptions::new().compaction_filter("sweeper")
}
