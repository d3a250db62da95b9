//! The footer: it comes back, and any flipped bit, cut or other place is corruption.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use crate::base::error::ErrorKind;
use crate::table::footer::{FOOTER_LEN, Footer};
use crate::table::handle::Handle;

#[test]
fn a_footer_comes_back_and_any_flipped_bit_or_cut_is_corruption() {
    let handle = |offset, len| Handle { offset, len };
    let footer = Footer {
        file_id: 1,
        bytes: 5000 + FOOTER_LEN as u64,
        top: handle(2, 3),
        properties: handle(4, 5),
        parts: handle(6, 7),
        tombstones: handle(8, 9),
    };
    let bytes = footer.encode();
    let decode = |bytes: &[u8], offset| Footer::decode(bytes, offset, Path::new("f"));
    assert_eq!(decode(&bytes, 5000).unwrap(), footer);
    let kind = |bytes: &[u8], offset| decode(bytes, offset).unwrap_err().kind();
    assert_eq!(kind(&bytes, 5001), ErrorKind::Corruption);
    for bit in 0..FOOTER_LEN * 8 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(kind(&other, 5000), ErrorKind::Corruption, "bit {bit}");
    }
    for len in 0..FOOTER_LEN {
        assert_eq!(kind(&bytes[..len], 5000), ErrorKind::Corruption, "{len} bytes");
    }
}
