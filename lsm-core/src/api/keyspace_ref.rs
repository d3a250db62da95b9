//! What a handle of a keyspace holds.

use std::borrow::Cow;
use std::sync::Arc;

use crate::api::bounds::{KeyRange, prefix_bounds};
use crate::base::error::Result;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::scan::Span;
use crate::engine::state::Engine;
use crate::options::expiry::{Expiry, Life};

/// Closes the database when its last handle goes. Iterators and snapshots are no handles: they own
/// what they read.
#[derive(Debug)]
pub struct Handle(pub Arc<Engine>);

impl Drop for Handle {
    fn drop(&mut self) {
        // Who wants to know how closing went calls `close`.
        let _unheard = self.0.close();
    }
}

/// A keyspace of an open database.
#[derive(Clone, Debug)]
pub struct KeyspaceRef {
    /// The database.
    pub handle: Arc<Handle>,
    /// The keyspace.
    pub state: Arc<KeyspaceState>,
}

impl KeyspaceRef {
    /// The engine.
    #[inline]
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.handle.0
    }

    /// True if keys are stored as they are.
    #[inline]
    #[must_use]
    pub fn is_bytewise(&self) -> bool {
        self.state.order.is_bytewise()
    }

    /// A key as the keyspace stores it.
    pub fn stored<'k>(&self, key: &'k [u8]) -> Result<Cow<'k, [u8]>> {
        self.state.order.stored(key)
    }

    /// A range of keys as they are stored.
    pub fn span(&self, range: impl KeyRange) -> Result<Span> {
        let prefix = range.prefix();
        let (lower, upper) = range.into_bounds();
        let order = &self.state.order;
        let span = Span { lower: order.stored_bound(lower)?, upper: order.stored_bound(upper)? };
        Ok(match prefix {
            None => span,
            Some(prefix) => span.within(self.prefix_span(&prefix)?),
        })
    }

    /// The range of the stored keys that begin with a prefix.
    pub fn prefix_span(&self, prefix: &[u8]) -> Result<Span> {
        let (lower, upper) = prefix_bounds(&self.state.order.stored_prefix(prefix)?);
        Ok(Span { lower, upper })
    }

    /// Refuses a value that the keyspace's merge operator could not be applied to.
    #[inline]
    pub fn check_value(&self, value: &[u8]) -> Result<()> {
        match &self.state.merger {
            None => Ok(()),
            Some(merger) => merger.check_value(value),
        }
    }

    /// What becomes of a value that is written now.
    #[inline]
    #[must_use]
    pub fn life(&self, expiry: Expiry) -> Life {
        let usual_millis = self.state.options.get_ttl_millis();
        expiry.resolve(usual_millis, || self.engine().now_millis())
    }
}
