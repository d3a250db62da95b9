//! What an error answers to those who must decide what to do.

use std::io;
use std::path::Path;

use crate::base::error::{Error, ErrorKind};

fn from_code(code: i32) -> Error {
    Error::from_io("write", Path::new("/x/y"), io::Error::from_raw_os_error(code))
}

#[test]
fn the_system_s_answers_become_kinds_that_say_what_to_do() {
    assert_eq!(from_code(libc::ENOSPC).kind(), ErrorKind::NoSpace);
    assert_eq!(from_code(libc::EDQUOT).kind(), ErrorKind::NoSpace);
    assert_eq!(from_code(libc::EROFS).kind(), ErrorKind::ReadOnly);
    assert_eq!(from_code(libc::EEXIST).kind(), ErrorKind::Exists);
    assert_eq!(from_code(libc::EIO).kind(), ErrorKind::Io);
    assert!(from_code(libc::ENOENT).is_not_found());
    assert!(from_code(libc::EMFILE).is_retryable());
    assert!(!from_code(libc::EIO).is_retryable());
}

#[test]
fn an_error_says_where_it_happened() {
    let error = Error::corruption(Path::new("/x/000001.wal"), 128, "a record does not verify");
    assert_eq!(error.path(), Some(Path::new("/x/000001.wal")));
    assert_eq!(error.offset(), Some(128));
    assert_eq!(error.to_string(), "a record does not verify [/x/000001.wal at byte 128]");
}

#[test]
fn a_later_caller_is_told_of_the_first_cause_as_its_own_kind() {
    let cause = from_code(libc::EIO).and_maybe_committed();
    let later = cause.as_cause_of(ErrorKind::ReadOnly, "no writes");
    assert_eq!(later.kind(), ErrorKind::ReadOnly);
    assert_eq!(later.os_code(), Some(libc::EIO));
    assert!(cause.maybe_committed() && !later.maybe_committed());
    assert!(later.to_string().starts_with("no writes: cannot write"));
}
