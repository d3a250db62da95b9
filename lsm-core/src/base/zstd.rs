//! zstd, where the build has it: the feature `zstd`. Without it nothing is packed or unpacked.
//!
//! A context takes longer to make than a block takes to pack, so each thread keeps one of each
//! kind.

/// True if this build has it.
pub const IS_BUILT: bool = cfg!(feature = "zstd");

#[cfg(feature = "zstd")]
mod contexts {
    use std::cell::RefCell;

    use zstd_safe::{CCtx, DCtx};

    // A thread that is ending has none of them any more, and makes one for each call.
    std::thread_local! {
        pub(super) static PACKER: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
        pub(super) static UNPACKER: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
    }
}

/// How many bytes `compress` may need for so many.
#[cfg(feature = "zstd")]
#[must_use]
pub fn bound(len: usize) -> Option<usize> {
    Some(zstd_safe::compress_bound(len))
}

/// Packs `input` into `place`; answers how many bytes it takes there.
#[cfg(feature = "zstd")]
#[must_use]
pub fn compress(input: &[u8], level: i32, place: &mut [u8]) -> Option<usize> {
    use contexts::PACKER;
    let kept = PACKER.try_with(std::cell::RefCell::take).ok().flatten();
    let mut context = kept.or_else(zstd_safe::CCtx::try_create)?;
    let packed = context.compress(place, input, level).ok();
    let _gone = PACKER.try_with(|place| place.replace(Some(context)));
    packed
}

/// Unpacks `input` into `place`; answers how many bytes it became.
#[cfg(feature = "zstd")]
#[must_use]
pub fn decompress(input: &[u8], place: &mut [u8]) -> Option<usize> {
    use contexts::UNPACKER;
    let kept = UNPACKER.try_with(std::cell::RefCell::take).ok().flatten();
    let mut context = kept.or_else(zstd_safe::DCtx::try_create)?;
    let unpacked = context.decompress(place, input).ok();
    let _gone = UNPACKER.try_with(|place| place.replace(Some(context)));
    unpacked
}

/// Nothing can be packed.
#[cfg(not(feature = "zstd"))]
#[must_use]
pub fn bound(_len: usize) -> Option<usize> {
    None
}

/// Nothing is packed.
#[cfg(not(feature = "zstd"))]
#[must_use]
pub fn compress(_input: &[u8], _level: i32, _place: &mut [u8]) -> Option<usize> {
    None
}

/// Nothing is unpacked.
#[cfg(not(feature = "zstd"))]
#[must_use]
pub fn decompress(_input: &[u8], _place: &mut [u8]) -> Option<usize> {
    None
}
