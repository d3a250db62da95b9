//! `set_union`: sets of byte strings.
//!
//! ```text
//! set = member*       member = length u32, little endian | bytes
//! ```
//!
//! Members ascend as bytes do, and each stands there once.

use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::merge::builtin::refuse;
use crate::merge::operator::MergeOperator;

/// Takes in the members of other sets.
pub(super) struct SetUnion;

/// The members of a set.
fn members(mut set: &[u8]) -> Result<Vec<&[u8]>> {
    let mut members: Vec<&[u8]> = Vec::new();
    while !set.is_empty() {
        let member = set.split_first_chunk().and_then(|(len, rest)| {
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)
        });
        let Some((member, rest)) = member else {
            return Err(refuse("`set_union` takes a set, and a member of this one is cut off"));
        };
        if members.last().is_some_and(|last| *last >= member) {
            return Err(refuse("`set_union` takes a set whose members ascend, each there once"));
        }
        members.push(member);
        set = rest;
    }
    Ok(members)
}

fn encode<'a>(members: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> Result<()> {
    for member in members {
        let len = u32::try_from(member.len()).map_err(|_| refuse("a member is too long"))?;
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(member);
    }
    Ok(())
}

impl MergeOperator for SetUnion {
    fn name(&self) -> &str {
        "set_union"
    }

    fn merge(
        &self,
        _key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut all = BTreeSet::new();
        for set in base.into_iter().chain(operands.iter().copied()) {
            all.extend(members(set)?);
        }
        encode(all, out)
    }

    fn partial(&self, key: &[u8], older: &[u8], newer: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        self.merge(key, Some(older), &[newer], out).map(|()| true)
    }

    fn check(&self, operand: &[u8]) -> Result<()> {
        members(operand).map(drop)
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        members(value).map(drop)
    }
}
