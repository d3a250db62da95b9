//! What a handle of a keyspace holds.

use std::sync::Arc;

use crate::engine::keyspaces::KeyspaceState;
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

    /// What becomes of a value that is written now.
    #[inline]
    #[must_use]
    pub fn life(&self, expiry: Expiry) -> Life {
        let usual_millis = self.state.options.get_ttl_millis();
        expiry.resolve(usual_millis, || self.engine().now_millis())
    }
}
