//! `MergeOperator`: how values and operands become one value. Anybody may write one.

use crate::base::error::Result;

/// Combines the value of a key with operands that were merged into it.
///
/// A keyspace chooses one by its name when it is made (`KeyspaceOptions::merge_operator`), which is
/// stored; one of the program's own is registered with `Builder::merge_operator` at each opening.
///
/// What it answers has to depend on its arguments alone, for it is asked whenever a value is read
/// or rewritten, and folding some operands first must not change the result. It is called by any
/// thread, several at once, with no lock of the database held. It may read the database; it must
/// neither write to it nor wait for background work, which may be what asks. One that fails or
/// panics fails the read that has asked; flushes and merges of tables then keep the operands as
/// they are and go on, so nothing is lost.
///
/// # Examples
///
/// ```
/// use lsm_core::{Db, KeyspaceOptions, MergeOperator, Result};
///
/// /// Keeps the longest.
/// struct Longest;
///
/// impl MergeOperator for Longest {
///     fn name(&self) -> &str {
///         "longest"
///     }
///
///     fn merge(
///         &self,
///         _key: &[u8],
///         base: Option<&[u8]>,
///         operands: &[&[u8]],
///         out: &mut Vec<u8>,
///     ) -> Result<()> {
///         let all = base.into_iter().chain(operands.iter().copied());
///         out.extend_from_slice(all.max_by_key(|value| value.len()).unwrap_or_default());
///         Ok(())
///     }
/// }
///
/// # let dir = std::env::temp_dir().join(format!("lsm-operator-{}", std::process::id()));
/// let db = Db::builder(&dir).merge_operator(Longest).open()?;
/// let words = db.keyspace_with("words", KeyspaceOptions::new().merge_operator("longest"))?;
/// words.merge("w", "whale")?;
/// words.merge("w", "wombat")?;
/// assert_eq!(words.get("w")?.as_deref(), Some(&b"wombat"[..]));
/// # db.close()?;
/// # Db::destroy(&dir)?;
/// # Ok::<(), lsm_core::Error>(())
/// ```
pub trait MergeOperator: Send + Sync + 'static {
    /// The name that keyspaces choose it by: 1 to 64 letters, digits, `-`, `_` and `.`, and none of
    /// the built-in ones.
    fn name(&self) -> &str;

    /// Appends to `out`, which is empty, what becomes of `base`, the value that was there, or
    /// `None` for none, with `operands` applied to it, the oldest first. There is at least one.
    fn merge(
        &self,
        key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()>;

    /// Appends to `out`, which is empty, one operand that does what `older` and then `newer` do, to
    /// any value; false if there is none, which is usual.
    fn partial(
        &self,
        _key: &[u8],
        _older: &[u8],
        _newer: &[u8],
        _out: &mut Vec<u8>,
    ) -> Result<bool> {
        Ok(false)
    }

    /// Refuses an operand that makes no sense, when it is about to be written.
    fn check(&self, _operand: &[u8]) -> Result<()> {
        Ok(())
    }

    /// Refuses a value that no operand can be applied to, when it is about to be put.
    fn check_value(&self, _value: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// The longest name of an operator.
const NAME_BYTES_MAX: usize = 64;

/// True if an operator may have this name: it stands in the text form of options.
#[must_use]
pub fn is_operator_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}
