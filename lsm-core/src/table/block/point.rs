//! One lookup in one resident block.

use crate::table::block::view::{BlockView, Layout};

/// The block is malformed, though `Layout::parse` should have accepted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The newest entry of a key that a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its sequence number and kind.
    pub trailer: u64,
    /// Where in the image its value begins.
    pub start: usize,
    /// Where its value ends.
    pub end: usize,
}

/// `BlockView::find` in an image that `Layout::parse` accepted when it was loaded. The layout is
/// made in passing and stays in registers, which is cheaper than to make one in memory and to look
/// through it.
#[inline]
pub fn look_up(image: &[u8], key: &[u8], tag: u8, ceiling: u64) -> Result<Option<Hit>, Malformed> {
    let layout = Layout::of_parsed(image).ok_or(Malformed)?;
    let view = BlockView::new(image, &layout);
    Ok(view.find(key, tag, ceiling).map(|index| {
        let (start, end) = view.value_range(index);
        Hit { trailer: view.trailer(index), start, end }
    }))
}

#[cfg(test)]
mod tests;
