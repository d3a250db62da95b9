//! `add_i64` and `add_f64`: sums.

use crate::base::error::Result;
use crate::merge::builtin::{check_len, refuse};
use crate::merge::operator::MergeOperator;

/// Adds numbers of 64 bits. What leaves their range stays at its end.
pub(super) struct AddI64;

/// What some operands do to a number one after the other: it is added to, and then kept between two
/// others. A sum that has met the end of the range and come back is not the sum of the operands, so
/// operands that are combined have to remember how far they may get.
#[derive(Clone, Copy, Debug)]
struct Step {
    sum: i128,
    least: i64,
    most: i64,
}

/// No sum of numbers beyond it can be told from it.
const FAR: i128 = 1 << 66;

impl Step {
    fn of(sum: i64) -> Self {
        Self { sum: i128::from(sum), least: i64::MIN, most: i64::MAX }
    }

    /// An operand as it is written, of 8 bytes, or as several were combined, of 32.
    fn decode(operand: &[u8]) -> Result<Self> {
        if operand.len() != 32 {
            check_len("add_i64", operand, 8)?;
        }
        let part = |at: usize| operand.get(at..).and_then(<[u8]>::first_chunk::<8>).copied();
        let (Some(low), second) = (part(0), part(8)) else { return Err(refuse("too short")) };
        let Some(high) = second else { return Ok(Self::of(i64::from_le_bytes(low))) };
        let whole = |at| part(at).map_or(0, i64::from_le_bytes);
        let sum = i128::from(i64::from_le_bytes(high)) << 64 | i128::from(u64::from_le_bytes(low));
        Ok(Self { sum: sum.clamp(-FAR, FAR), least: whole(16), most: whole(24) })
    }

    fn encode(self, out: &mut Vec<u8>) {
        let Self { sum, least, most } = self;
        let (lowest, highest) = (i128::from(i64::MIN), i128::from(i64::MAX));
        // Whatever the number is, these ends do nothing that the range itself does not.
        let is_plain = i128::from(least) <= lowest.max(lowest + sum)
            && i128::from(most) >= highest.min(highest + sum);
        match i64::try_from(sum) {
            Ok(sum) if is_plain => out.extend_from_slice(&sum.to_le_bytes()),
            _ => {
                out.extend_from_slice(&sum.to_le_bytes());
                out.extend_from_slice(&least.to_le_bytes());
                out.extend_from_slice(&most.to_le_bytes());
            }
        }
    }

    fn apply(self, number: i64) -> i64 {
        let sum = i128::from(number) + self.sum;
        let within = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        within.max(self.least).min(self.most)
    }

    /// What this does and then `next`.
    fn then(self, next: Self) -> Self {
        let sum = (self.sum + next.sum).clamp(-FAR, FAR);
        Self { sum, least: next.apply(self.least), most: next.apply(self.most) }
    }
}

impl MergeOperator for AddI64 {
    fn name(&self) -> &str {
        "add_i64"
    }

    fn merge(
        &self,
        _key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut number = 0;
        if let Some(base) = base {
            check_len("add_i64", base, 8)?;
            number = base.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes));
        }
        for operand in operands {
            number = Step::decode(operand)?.apply(number);
        }
        out.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn partial(&self, _key: &[u8], older: &[u8], newer: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        Step::decode(older)?.then(Step::decode(newer)?).encode(out);
        Ok(true)
    }

    fn check(&self, operand: &[u8]) -> Result<()> {
        check_len("add_i64", operand, 8)
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        check_len("add_i64", value, 8)
    }
}

/// Adds floating point numbers, one after the other in the order of writes: sums of these depend on
/// the order, so operands are never combined without their value.
pub(super) struct AddF64;

fn float(bytes: &[u8]) -> Result<f64> {
    check_len("add_f64", bytes, 8)?;
    Ok(bytes.first_chunk().map_or(0.0, |bytes| f64::from_le_bytes(*bytes)))
}

impl MergeOperator for AddF64 {
    fn name(&self) -> &str {
        "add_f64"
    }

    fn merge(
        &self,
        _key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut sum = base.map_or(Ok(0.0), float)?;
        for operand in operands {
            sum += float(operand)?;
        }
        out.extend_from_slice(&sum.to_le_bytes());
        Ok(())
    }

    fn check(&self, operand: &[u8]) -> Result<()> {
        check_len("add_f64", operand, 8)
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        check_len("add_f64", value, 8)
    }
}
