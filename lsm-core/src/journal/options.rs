//! What can be chosen about the ground, and what is answered about an opening.

use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
pub use crate::extend::event::OpenReport;
use crate::options::durability::IfMissing;
use crate::options::log_mode::LogMode;

/// How a database's ground is opened.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// What to do when there is no database.
    pub if_missing: IfMissing,
    /// How records reach the log.
    pub log_mode: LogMode,
    /// The size of the first segment: a quiet database takes up no more.
    pub segment_bytes_min: u64,
    /// The size that segments double up to.
    pub segment_bytes_max: u64,
    /// How long a `Buffered` write stays unsynced at most; `None` leaves it to the caller.
    pub sync_interval: Option<Duration>,
    /// What is chosen for the default keyspace if a database is made, as text, nothing for what is
    /// usual; or why none can be made.
    pub default_keyspace: Result<String>,
}

/// The largest segment that may be asked for: watermarks reach far beyond it.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// The smallest one that holds anything.
pub const SEGMENT_BYTES_MIN: u64 = 4096;
const SYNC_INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

impl JournalOptions {
    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        let sizes = SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX;
        if !sizes.contains(&self.segment_bytes_min) || !sizes.contains(&self.segment_bytes_max) {
            return refuse(format!(
                "a log segment has {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX} bytes"
            ));
        }
        if self.segment_bytes_min > self.segment_bytes_max {
            return refuse("the first log segment is larger than the largest one".to_owned());
        }
        match self.sync_interval {
            Some(interval) if interval > SYNC_INTERVAL_MAX => {
                refuse("the background sync comes at least once a day, or never".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            if_missing: IfMissing::default(),
            log_mode: LogMode::default(),
            segment_bytes_min: 64 << 10,
            segment_bytes_max: 64 << 20,
            sync_interval: Some(Duration::from_secs(1)),
            default_keyspace: Ok(String::new()),
        }
    }
}
