//! Keys of every length, from either side of the length that is copied at once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::table::block::buffer::KeyBuffer;
use crate::table::block::builder::BlockBuilder;
use crate::table::block::view::{BlockView, Layout};

#[test]
fn a_buffer_goes_from_key_to_key_and_from_block_to_block() {
    let mut buffer = KeyBuffer::new();
    assert_eq!(buffer.bytes(), b"");
    for prefix in [0, 3, 40, 500] {
        let keys: Vec<Vec<u8>> =
            (0u8..90).map(|n| [vec![9; prefix], vec![n; usize::from(n)]].concat()).collect();
        let mut builder = BlockBuilder::new();
        for key in &keys {
            // No value, so that nothing stands behind the last key.
            assert!(builder.add(key, 256, b""));
        }
        let mut image = Vec::new();
        builder.finish(&mut image).unwrap();
        let layout = Layout::parse(&image).unwrap();
        let view = BlockView::new(&image, &layout);
        buffer.enter(&view);
        assert_eq!(buffer.bytes(), view.prefix());
        for index in (0..keys.len()).chain((0..keys.len()).rev()).chain([80, 2, 88, 0, 89, 31, 33])
        {
            buffer.load(&view, index);
            assert_eq!(buffer.bytes(), keys[index]);
        }
    }
}
