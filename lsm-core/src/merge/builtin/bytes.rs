//! `min`, `max`, `append` and `bit_or`: operators on any bytes.

use crate::base::error::Result;
use crate::merge::operator::MergeOperator;

/// Keeps the first of all values in the order of bytes.
pub(super) struct Min;
/// Keeps the last of them.
pub(super) struct Max;
/// Puts operands behind the value.
pub(super) struct Append;
/// Sets bits; what is shorter counts as if zeros stood behind it.
pub(super) struct BitOr;

fn all<'a>(
    base: Option<&'a [u8]>,
    operands: &'a [&'a [u8]],
) -> impl Iterator<Item = &'a [u8]> + 'a {
    base.into_iter().chain(operands.iter().copied())
}

fn set_bits(out: &mut Vec<u8>, bits: &[u8]) {
    if out.len() < bits.len() {
        out.resize(bits.len(), 0);
    }
    for (byte, more) in out.iter_mut().zip(bits) {
        *byte |= more;
    }
}

macro_rules! operator {
    ($type:ident, $name:literal, |$base:ident, $operands:ident, $out:ident| $merge:expr) => {
        impl MergeOperator for $type {
            fn name(&self) -> &str {
                $name
            }

            fn merge(
                &self,
                _key: &[u8],
                $base: Option<&[u8]>,
                $operands: &[&[u8]],
                $out: &mut Vec<u8>,
            ) -> Result<()> {
                $merge;
                Ok(())
            }

            // Operands are values: the older one is a value for the newer.
            fn partial(
                &self,
                key: &[u8],
                older: &[u8],
                newer: &[u8],
                out: &mut Vec<u8>,
            ) -> Result<bool> {
                self.merge(key, Some(older), &[newer], out).map(|()| true)
            }
        }
    };
}

operator!(Min, "min", |base, operands, out| {
    out.extend_from_slice(all(base, operands).min().unwrap_or_default())
});
operator!(Max, "max", |base, operands, out| {
    out.extend_from_slice(all(base, operands).max().unwrap_or_default())
});
operator!(Append, "append", |base, operands, out| {
    out.reserve(all(base, operands).map(<[u8]>::len).sum());
    all(base, operands).for_each(|bytes| out.extend_from_slice(bytes))
});
operator!(BitOr, "bit_or", |base, operands, out| {
    all(base, operands).for_each(|bits| set_bits(out, bits))
});
