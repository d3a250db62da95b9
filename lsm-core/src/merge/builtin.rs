//! The operators that every program has. How their operands and values are encoded stands in
//! `docs/merge.md`, and does not change.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::merge::operator::MergeOperator;

mod add;
mod bytes;
#[cfg(feature = "json")]
mod json;
mod set;

/// Their names.
pub const NAMES: [&str; 8] =
    ["add_i64", "add_f64", "min", "max", "append", "bit_or", "set_union", "json_merge_patch"];

/// The one of this name; `None` if there is none, or if this build does not have it.
#[must_use]
pub fn built_in(name: &str) -> Option<Arc<dyn MergeOperator>> {
    Some(match name {
        "add_i64" => Arc::new(add::AddI64),
        "add_f64" => Arc::new(add::AddF64),
        "min" => Arc::new(bytes::Min),
        "max" => Arc::new(bytes::Max),
        "append" => Arc::new(bytes::Append),
        "bit_or" => Arc::new(bytes::BitOr),
        "set_union" => Arc::new(set::SetUnion),
        #[cfg(feature = "json")]
        "json_merge_patch" => Arc::new(json::JsonMergePatch),
        _ => return None,
    })
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// Refuses what has not as many bytes as it must.
fn check_len(name: &str, bytes: &[u8], len: usize) -> Result<()> {
    if bytes.len() == len {
        return Ok(());
    }
    let message =
        format!("`{name}` takes {len} bytes, little endian, and this has {}", bytes.len());
    Err(refuse(message))
}

#[cfg(test)]
mod tests;
