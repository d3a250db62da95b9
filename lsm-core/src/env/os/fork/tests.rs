//! Descriptors across forks.

#![allow(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use std::cell::Cell;
use std::fs;

use super::*;
use crate::env::os::testing::{Child, Gate};

fn open_null() -> Result<OwnedFd> {
    Ok(fs::File::open("/dev/null").unwrap().into())
}

fn is_open(fd: i32) -> bool {
    // SAFETY: the call touches no memory and changes no descriptor.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

#[test]
fn a_child_has_a_generation_of_its_own() {
    let birth = Birth::here().unwrap();
    let code = Child::fork(|| i32::from(birth.is_forked()) + 2 * i32::from(birth.is_elsewhere()));
    assert_eq!(code.wait(), 3);
    assert!(!birth.is_forked());
    assert!(!birth.is_elsewhere());
}

#[test]
fn the_descriptor_is_closed_in_a_child_only() {
    let private = PrivateFd::open(open_null).unwrap();
    let fd = private.get().unwrap().as_raw_fd();
    let child = Child::fork(|| {
        i32::from(!is_open(fd))
            + 2 * i32::from(private.get().is_none())
            + 4 * i32::from(private.is_forked())
    });
    assert_eq!(child.wait(), 7);
    assert!(is_open(fd));
    assert_eq!(private.get().unwrap().as_raw_fd(), fd);
}

#[test]
fn a_fork_during_the_opening_has_it_opened_again() {
    let count = Cell::new(0);
    let gate = Gate::new();
    let mut child = None;
    let private = PrivateFd::open(|| {
        count.set(count.get() + 1);
        let fd = open_null();
        if count.get() == 1 {
            child = Some(Child::fork(|| {
                gate.pass();
                0
            }));
        }
        fd
    })
    .unwrap();
    assert!(count.get() >= 2);
    gate.open();
    assert_eq!(child.unwrap().wait(), 0);
    assert!(private.get().is_some());
}

#[test]
fn marks_last_as_long_as_the_descriptor() {
    let id = FileId { device: 77, inode: u64::MAX - 5 };
    let private = PrivateFd::open(open_null).unwrap();
    assert!(!is_marked(id));
    private.mark(id);
    assert!(is_marked(id));
    assert_eq!(Child::fork(|| i32::from(is_marked(id))).wait(), 0);
    drop(private);
    assert!(!is_marked(id));
}

#[test]
fn an_error_in_opening_leaves_no_slot_behind() {
    for _ in 0..2 * SLOTS {
        let error = PrivateFd::open(|| Err(Error::new(ErrorKind::Io, "no"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }
}
