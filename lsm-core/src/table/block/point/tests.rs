//! The same answers as a view's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::checksum::hash64;
use crate::table::block::builder::BlockBuilder;
use crate::table::block::point::{Hit, Malformed, look_up};

#[test]
fn a_lookup_answers_trailer_and_value_or_nothing() {
    for is_ragged in [false, true] {
        let key = |n: u32| {
            let pad = if is_ragged { n as usize % 7 } else { 0 };
            [&n.to_be_bytes()[..], &vec![b'p'; pad]].concat()
        };
        let value = |n: u32| vec![n as u8; if is_ragged { n as usize % 5 } else { 3 }];
        let mut builder = BlockBuilder::new();
        for n in (0..300).step_by(2) {
            for seqno in [9, 5] {
                let trailer = (seqno + u64::from(n % 3)) << 8 | 1;
                assert!(builder.add(&key(n), trailer, &value(n + seqno as u32)));
            }
        }
        let mut image = Vec::new();
        builder.finish(&mut image).unwrap();
        for n in 0..300 {
            for ceiling in (4..13).map(|seqno| seqno << 8 | 0xff) {
                let tag = (hash64(&key(n)) >> 56) as u8;
                let hit = look_up(&image, &key(n), tag, ceiling).unwrap();
                let seqnos = [9, 5].map(|seqno| seqno + u64::from(n % 3));
                let seen = seqnos.into_iter().find(|seqno| seqno << 8 <= ceiling && n % 2 == 0);
                assert_eq!(hit.map(|hit| hit.trailer), seen.map(|seqno| seqno << 8 | 1));
                if let (Some(Hit { start, end, .. }), Some(seqno)) = (hit, seen) {
                    let number = n + (seqno - u64::from(n % 3)) as u32;
                    assert_eq!(image[start..end], value(number));
                }
            }
        }
        for len in 0..image.len() {
            assert_eq!(look_up(&image[..len], &key(2), 0, 0), Err(Malformed));
        }
    }
}
