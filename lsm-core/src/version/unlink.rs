//! How files go that the database no longer needs: whether one may go now is one question, whatever
//! kind of file it is.

use std::fmt::Debug;

use crate::base::error::Result;

/// Takes files away that a durable edit has made superfluous.
pub trait Unlink: Debug + Send + Sync + 'static {
    /// Unlinks a file that `edit` and those behind it no longer list, at once or as soon as no
    /// reader in another process needs it. True if it is gone, as one is that was gone already.
    fn unlink(&self, name: &str, edit: u64) -> Result<bool>;
}
