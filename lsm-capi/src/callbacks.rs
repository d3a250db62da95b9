//! Section "callbacks": what a program is told while the library works.

use std::ffi::{CString, c_char, c_void};
use std::ops::ControlFlow;
use std::ptr;
use std::time::Duration;

use lsm_core::{Event, Level, Progress, Reason, Result};

use crate::border::pointers::invalid;
use crate::border::thread::in_callback;
use crate::error::string_of;
use crate::status::{LSM_OK, lsm_status, status_of};

/// How much a message matters.
pub type lsm_log_level = u32;

/// Something is wrong and needs somebody.
pub const LSM_LOG_ERROR: lsm_log_level = 1;
/// Something is wrong that the library deals with.
pub const LSM_LOG_WARN: lsm_log_level = 2;
/// What an operator may want to know.
pub const LSM_LOG_INFO: lsm_log_level = 3;
/// Each step.
pub const LSM_LOG_DEBUG: lsm_log_level = 4;

/// Is told in words what happens. `message` is UTF-8, lives for the time of the call, and has no
/// line break at its end.
pub type lsm_log_fn = Option<
    unsafe extern "C" fn(context: *mut c_void, level: lsm_log_level, message: *const c_char),
>;

/// What happened. More may come with later versions: pass over those that you do not know.
pub type lsm_event_kind = u32;

/// A memtable is being written to a table: `entries`, `bytes_read`.
pub const LSM_EVENT_FLUSH_BEGAN: lsm_event_kind = 1;
/// A memtable was written, and the table is read from: `table`, `bytes_written`, `duration_micros`.
pub const LSM_EVENT_FLUSHED: lsm_event_kind = 2;
/// Tables are being merged: `keyspace`, `reason`, `level_from`, `level_to`, `tables`.
pub const LSM_EVENT_COMPACTION_BEGAN: lsm_event_kind = 3;
/// Tables were merged: `keyspace`, `reason`, `level_from`, `level_to`, `bytes_read`,
/// `bytes_written`, `duration_micros`.
pub const LSM_EVENT_COMPACTED: lsm_event_kind = 4;
/// Background work failed, and is tried again: `status`.
pub const LSM_EVENT_WORK_FAILED: lsm_event_kind = 5;
/// A strategy of the program's own was dismissed: `keyspace`.
pub const LSM_EVENT_STRATEGY_FAILED: lsm_event_kind = 6;
/// The file of a table that nobody needs any more was deleted: `table`.
pub const LSM_EVENT_TABLE_DELETED: lsm_event_kind = 7;
/// Writers are held back, more or less than before: `reason`, NULL if nobody is; `duration_micros`
/// for each MiB written.
pub const LSM_EVENT_PACING_CHANGED: lsm_event_kind = 8;
/// The database takes no writes until lsm_resume(): `status`.
pub const LSM_EVENT_BECAME_READ_ONLY: lsm_event_kind = 9;
/// The database takes writes again.
pub const LSM_EVENT_RESUMED: lsm_event_kind = 10;
/// A keyspace was made: `keyspace`.
pub const LSM_EVENT_KEYSPACE_CREATED: lsm_event_kind = 11;
/// A keyspace was dropped: `keyspace`.
pub const LSM_EVENT_KEYSPACE_DROPPED: lsm_event_kind = 12;
/// The database was opened: comes before everything else.
pub const LSM_EVENT_RECOVERED: lsm_event_kind = 13;
/// Stored bytes are wrong: `status` says LSM_CORRUPTION or LSM_IO, `message` which file and where.
pub const LSM_EVENT_DAMAGE_FOUND: lsm_event_kind = 14;
/// A compaction filter of the program's own failed: `entries` times, and those are kept.
pub const LSM_EVENT_FILTER_FAILED: lsm_event_kind = 15;

/// One event. What does not concern it is NULL or 0; strings live for the time of the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_event {
    /// sizeof(lsm_event) of the library.
    pub struct_size: u32,
    /// What happened.
    pub kind: lsm_event_kind,
    /// How much it matters.
    pub level: lsm_log_level,
    /// The status of what failed.
    pub status: lsm_status,
    /// All of it in words.
    pub message: *const c_char,
    /// The keyspace concerned.
    pub keyspace: *const c_char,
    /// Why, in one word such as "level_full".
    pub reason: *const c_char,
    /// The uppermost level that something is taken from.
    pub level_from: u32,
    /// The level where the result stands.
    pub level_to: u32,
    /// The number in the table's name.
    pub table: u64,
    /// How many tables.
    pub tables: u64,
    /// How many entries.
    pub entries: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Bytes that were written.
    pub bytes_written: u64,
    /// How long it took.
    pub duration_micros: u64,
}

/// Is told what happens, in parts. What a call waits for may be told a moment after it returned.
pub type lsm_event_fn = Option<unsafe extern "C" fn(context: *mut c_void, event: *const lsm_event)>;

/// Is told how far a long call is, again and again, on the thread that made it: `total` is what
/// there is to do as far as it is known, and 0 or `done` where it is not. LSM_OK goes on; anything
/// else stops the call, which then answers LSM_ABORTED.
pub type lsm_progress_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, done: u64, total: u64) -> lsm_status>;

/// Is told the name of one keyspace, which lives for the time of the call.
pub type lsm_keyspace_fn = Option<unsafe extern "C" fn(context: *mut c_void, name: *const c_char)>;

/// Is told one number: a name such as "lsm_gets_total", labels such as `keyspace="users"` or "",
/// and the value, as Prometheus has them. Strings live for the time of the call.
pub type lsm_metric_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        name: *const c_char,
        labels: *const c_char,
        value: f64,
    ),
>;

/// What the program gave to be handed back to it: it says that any thread may have it.
#[derive(Clone, Copy)]
pub(crate) struct Context(pub(crate) *mut c_void);

// SAFETY: the header says that callbacks are called on any thread; the pointer is only handed on.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    fn get(&self) -> *mut c_void {
        self.0
    }
}

/// A listener that writes a log by way of C.
pub(crate) fn logger(
    log: unsafe extern "C" fn(*mut c_void, lsm_log_level, *const c_char),
    context: Context,
    level_max: lsm_log_level,
) -> impl Fn(&Event) + Send + Sync + 'static {
    move |event| {
        let level = level_of(event);
        if level <= level_max {
            let message = string_of(event.to_string().as_bytes());
            // SAFETY: the program gave this function to be called with this context.
            in_callback(|| unsafe { log(context.get(), level, message.as_ptr()) });
        }
    }
}

/// A listener that hands events to C.
pub(crate) fn listener(
    told: unsafe extern "C" fn(*mut c_void, *const lsm_event),
    context: Context,
) -> impl Fn(&Event) + Send + Sync + 'static {
    move |event| {
        let message = string_of(event.to_string().as_bytes());
        let keyspace = keyspace_of(event).map(|name| string_of(name.as_bytes()));
        let reason = reason_of(event).map(|name| string_of(name.as_bytes()));
        let or_null =
            |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut told_of = parts_of(event);
        told_of.message = message.as_ptr();
        told_of.keyspace = or_null(&keyspace);
        told_of.reason = or_null(&reason);
        // SAFETY: as in `logger`; the event lives until the call returns.
        in_callback(|| unsafe { told(context.get(), &raw const told_of) });
    }
}

/// Who is told of the progress of one call.
pub(crate) fn teller(
    told: unsafe extern "C" fn(*mut c_void, u64, u64) -> lsm_status,
    context: Context,
) -> impl FnMut(Progress) -> ControlFlow<()> {
    move |progress| {
        // SAFETY: as in `logger`.
        let call = || unsafe { told(context.get(), progress.done, progress.total) };
        if in_callback(call) == LSM_OK { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Who is told names of keyspaces.
pub(crate) fn namer(visit: lsm_keyspace_fn, context: Context) -> Result<impl Fn(&str)> {
    let visit = visit.ok_or_else(|| invalid("`visit` is NULL"))?;
    Ok(move |name: &str| {
        let name = string_of(name.as_bytes());
        // SAFETY: as in `logger`.
        in_callback(|| unsafe { visit(context.get(), name.as_ptr()) });
    })
}

/// Who is told numbers.
pub(crate) fn measurer(visit: lsm_metric_fn, context: Context) -> Result<impl Fn(&str, &str, f64)> {
    let visit = visit.ok_or_else(|| invalid("`visit` is NULL"))?;
    Ok(move |name: &str, labels: &str, value| {
        let (name, labels) = (string_of(name.as_bytes()), string_of(labels.as_bytes()));
        // SAFETY: as in `logger`.
        in_callback(|| unsafe { visit(context.get(), name.as_ptr(), labels.as_ptr(), value) });
    })
}

fn level_of(event: &Event) -> lsm_log_level {
    match event.level() {
        Level::Error => LSM_LOG_ERROR,
        Level::Warn => LSM_LOG_WARN,
        Level::Info => LSM_LOG_INFO,
        Level::Debug => LSM_LOG_DEBUG,
    }
}

fn keyspace_of(event: &Event) -> Option<&str> {
    match event {
        Event::CompactionBegan { keyspace, .. }
        | Event::Compacted { keyspace, .. }
        | Event::StrategyFailed { keyspace, .. }
        | Event::FilterFailed { keyspace, .. } => Some(keyspace),
        Event::KeyspaceCreated { name, .. } | Event::KeyspaceDropped { name, .. } => Some(name),
        _ => None,
    }
}

fn reason_of(event: &Event) -> Option<&'static str> {
    match event {
        Event::CompactionBegan { reason, .. } | Event::Compacted { reason, .. } => {
            Some(Reason::name(*reason))
        }
        Event::PacingChanged { cause, .. } => cause.map(|cause| cause.name()),
        _ => None,
    }
}

/// As C has durations.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Everything about an event that is a number.
fn parts_of(event: &Event) -> lsm_event {
    let kind = kind_of(event);
    let none = lsm_event {
        struct_size: size_of::<lsm_event>() as u32,
        kind,
        level: level_of(event),
        status: LSM_OK,
        message: ptr::null(),
        keyspace: ptr::null(),
        reason: ptr::null(),
        level_from: 0,
        level_to: 0,
        table: 0,
        tables: 0,
        entries: 0,
        bytes_read: 0,
        bytes_written: 0,
        duration_micros: 0,
    };
    match event {
        Event::FlushBegan { entries, bytes, .. } => {
            lsm_event { entries: *entries, bytes_read: *bytes, ..none }
        }
        Event::Flushed { table, bytes, duration, .. } => lsm_event {
            table: table.unwrap_or(0),
            bytes_written: *bytes,
            duration_micros: micros(*duration),
            ..none
        },
        Event::CompactionBegan { from, to, tables, .. } => lsm_event {
            level_from: u32::from(*from),
            level_to: u32::from(*to),
            tables: *tables,
            ..none
        },
        Event::Compacted { from, to, read, written, duration, .. } => lsm_event {
            level_from: u32::from(*from),
            level_to: u32::from(*to),
            bytes_read: *read,
            bytes_written: *written,
            duration_micros: micros(*duration),
            ..none
        },
        Event::WorkFailed { error, .. }
        | Event::BecameReadOnly { error, .. }
        | Event::DamageFound { error, .. } => lsm_event { status: status_of(error.kind()), ..none },
        Event::FilterFailed { failures, .. } => lsm_event { entries: *failures, ..none },
        Event::TableDeleted { table, .. } => lsm_event { table: *table, ..none },
        Event::PacingChanged { per_kib, .. } => {
            lsm_event { duration_micros: micros(per_kib.saturating_mul(1024)), ..none }
        }
        _ => none,
    }
}

fn kind_of(event: &Event) -> lsm_event_kind {
    match event {
        Event::FlushBegan { .. } => LSM_EVENT_FLUSH_BEGAN,
        Event::Flushed { .. } => LSM_EVENT_FLUSHED,
        Event::CompactionBegan { .. } => LSM_EVENT_COMPACTION_BEGAN,
        Event::Compacted { .. } => LSM_EVENT_COMPACTED,
        Event::WorkFailed { .. } => LSM_EVENT_WORK_FAILED,
        Event::StrategyFailed { .. } => LSM_EVENT_STRATEGY_FAILED,
        Event::TableDeleted { .. } => LSM_EVENT_TABLE_DELETED,
        Event::PacingChanged { .. } => LSM_EVENT_PACING_CHANGED,
        Event::BecameReadOnly { .. } => LSM_EVENT_BECAME_READ_ONLY,
        Event::Resumed => LSM_EVENT_RESUMED,
        Event::KeyspaceCreated { .. } => LSM_EVENT_KEYSPACE_CREATED,
        Event::KeyspaceDropped { .. } => LSM_EVENT_KEYSPACE_DROPPED,
        Event::Recovered { .. } => LSM_EVENT_RECOVERED,
        Event::DamageFound { .. } => LSM_EVENT_DAMAGE_FOUND,
        Event::FilterFailed { .. } => LSM_EVENT_FILTER_FAILED,
        // Listeners pass over what they do not know.
        _ => 0,
    }
}
