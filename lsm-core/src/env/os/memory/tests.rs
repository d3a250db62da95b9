//! Regions are zeroed, aligned and refused politely.

#![allow(unsafe_code)]

use crate::base::error::ErrorKind;
use crate::env::os::memory::{LARGE_PAGE, Region};

#[test]
fn every_byte_of_a_region_is_zero_and_can_be_written() {
    for len in [4096, 65_536, LARGE_PAGE, 2 * LARGE_PAGE] {
        let region = Region::new(len).unwrap();
        assert_eq!(region.len(), len);
        let aligned = if len < LARGE_PAGE { 4096 } else { LARGE_PAGE };
        assert_eq!(region.start().as_ptr() as usize % aligned, 0);
        for at in (0..len).step_by(1021).chain([len - 1]) {
            // SAFETY: `at` lies within the region, which nobody else knows.
            unsafe {
                let place = region.start().as_ptr().add(at);
                assert_eq!(place.read(), 0);
                place.write(7);
            }
        }
    }
}

#[test]
fn what_cannot_be_had_is_an_error_and_not_the_end_of_the_process() {
    for len in [usize::MAX, usize::MAX / 4 * 3, 1 << 62] {
        assert_eq!(Region::new(len).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }
}
