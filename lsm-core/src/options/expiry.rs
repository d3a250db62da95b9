//! When a value expires, as it is chosen and as it is told.

use std::time::{Duration, SystemTime};

/// When a value expires: from that moment on its key has no value, for every reader that begins
/// then or later. A value that has expired when it is written deletes its key at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// As the keyspace has it: `KeyspaceOptions::ttl` after the write, or never.
    #[default]
    Usual,
    /// Never, whatever the keyspace has.
    Never,
    /// So long after the write. What is no whole millisecond counts as one more.
    After(Duration),
    /// At this moment, in milliseconds since 1970.
    At(u64),
}

impl From<Duration> for Expiry {
    fn from(ttl: Duration) -> Self {
        Self::After(ttl)
    }
}

/// A moment before 1970 has passed, like any that is over.
impl From<SystemTime> for Expiry {
    fn from(moment: SystemTime) -> Self {
        let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::At(millis_of(since))
    }
}

/// What becomes of a value that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It stays.
    Forever,
    /// It stays until this moment, in milliseconds since 1970.
    Until(u64),
    /// It has expired already.
    Over,
}

impl Expiry {
    /// As it is stored, in milliseconds since 1970, and 0 for never.
    #[must_use]
    pub fn from_stored(millis: u64) -> Self {
        if millis == 0 { Self::Never } else { Self::At(millis) }
    }

    /// What it means for a value that is written now, into a keyspace with this time to live, in
    /// milliseconds and 0 for none. The time is asked for only where it matters.
    #[inline]
    pub fn resolve(self, usual_millis: u64, now_millis: impl FnOnce() -> u64) -> Life {
        if usual_millis == 0 && matches!(self, Self::Usual) {
            return Life::Forever;
        }
        self.resolve_at(usual_millis, now_millis())
    }

    #[inline(never)]
    fn resolve_at(self, usual_millis: u64, now: u64) -> Life {
        let after = |ttl: u64| match now.checked_add(ttl) {
            // No clock gets there.
            None => Life::Forever,
            Some(_) if ttl == 0 => Life::Over,
            Some(moment) => Life::Until(moment),
        };
        match self {
            Self::Usual => after(usual_millis),
            Self::Never => Life::Forever,
            Self::After(ttl) => after(millis_of(ttl)),
            Self::At(moment) if moment <= now => Life::Over,
            Self::At(moment) => Life::Until(moment),
        }
    }
}

/// Whole milliseconds, rounded up.
#[must_use]
pub fn millis_of(ttl: Duration) -> u64 {
    let millis = ttl.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
