//! The numbers of statuses are frozen, and every kind of error has one of its own name.

use lsm_core::base::error::ErrorKind;

use crate::status::name_of;

const KINDS: [(ErrorKind, i32); 18] = [
    (ErrorKind::InvalidArgument, -1),
    (ErrorKind::Unsupported, -2),
    (ErrorKind::Io, -3),
    (ErrorKind::NoSpace, -4),
    (ErrorKind::Corruption, -5),
    (ErrorKind::Locked, -6),
    (ErrorKind::Conflict, -7),
    (ErrorKind::TimedOut, -8),
    (ErrorKind::Closed, -9),
    (ErrorKind::ReadOnly, -10),
    (ErrorKind::Format, -11),
    (ErrorKind::TooLarge, -12),
    (ErrorKind::Aborted, -13),
    (ErrorKind::OutOfMemory, -14),
    (ErrorKind::Busy, -15),
    (ErrorKind::Exists, -16),
    (ErrorKind::Forked, -17),
    (ErrorKind::Internal, -99),
];

/// `NoSpace` as C writes it: `LSM_NO_SPACE`.
fn c_name(kind: ErrorKind) -> String {
    let mut name = String::from("LSM");
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[test]
fn every_kind_of_error_has_the_status_of_its_name() {
    for (kind, status) in KINDS {
        assert_eq!(name_of(status).to_str(), Ok(c_name(kind).as_str()));
    }
}

#[test]
fn outcomes_are_not_negative_and_other_numbers_have_no_name() {
    let named = |status| name_of(status).to_bytes();
    assert_eq!([named(0), named(1)], [&b"LSM_OK"[..], b"LSM_NOT_FOUND"]);
    assert_eq!([named(2), named(3)], [&b"LSM_END"[..], b"LSM_TRUNCATED"]);
    for other in [4, -18, -98, -100, i32::MIN, i32::MAX] {
        assert_eq!(named(other), b"LSM_UNKNOWN");
    }
}
