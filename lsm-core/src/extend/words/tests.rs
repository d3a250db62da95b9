//! Events read as sentences, and what needs somebody stands out.

use std::time::Duration;

use super::Level;
use crate::base::error::{Error, ErrorKind};
use crate::extend::event::{Event, OpenReport, PaceCause, Reason};

#[test]
fn an_event_is_one_sentence() {
    let duration = Duration::from_millis(1500);
    let compacted = Event::Compacted {
        keyspace: "users".to_owned(),
        reason: Reason::LevelFull,
        from: 1,
        to: 2,
        read: 10,
        written: 9,
        duration,
    };
    let told = "compacted keyspace \"users\" from level 1 to 2 (level_full): \
                10 bytes read, 9 written, in 1.5s";
    assert_eq!(compacted.to_string(), told);
    let flushed = |table| Event::Flushed { table, bytes: 7, duration }.to_string();
    assert_eq!(flushed(Some(3)), "flushed to table 3 of 7 bytes in 1.5s");
    assert_eq!(flushed(None), "flushed, with nothing left to write");
    let per_kib = Duration::from_micros(2);
    let pacing = |cause| Event::PacingChanged { cause, per_kib }.to_string();
    assert_eq!(
        pacing(Some(PaceCause::Debt)),
        "writers are held back for each KiB by 2.0\u{b5}s (debt)"
    );
    assert_eq!(pacing(None), "writers are held back no more");
}

#[test]
fn what_needs_somebody_stands_out() {
    let error = Error::new(ErrorKind::Io, "cannot sync");
    let read_only = Event::BecameReadOnly { error: error.clone() };
    assert_eq!(read_only.level(), Level::Error);
    assert!(read_only.to_string().ends_with("resumed: cannot sync"));
    assert_eq!(Event::WorkFailed { error }.level(), Level::Warn);
    assert!(Level::Error < Level::Warn && Level::Info < Level::Debug);
}

#[test]
fn an_opening_warns_of_what_was_given_up() {
    let opened = |dropped_bytes| Event::Recovered {
        report: OpenReport { batches: 2, dropped_bytes, ..OpenReport::default() },
    };
    assert_eq!(opened(0).level(), Level::Info);
    assert_eq!(opened(0).to_string(), "the database is open, recovered: 2 batches replayed");
    assert_eq!(opened(5).level(), Level::Warn);
    assert!(opened(5).to_string().ends_with("5 torn bytes given up"));
}
