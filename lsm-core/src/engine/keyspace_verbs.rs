//! Making and dropping keyspaces.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::engine::keyspaces::{DEFAULT_NAME, KeyspaceState};
use crate::engine::state::Engine;
use crate::extend::event::Event;
use crate::options::keyspace::KeyspaceOptions;
use crate::version::edit::Edit;

/// How long to wait for another caller who is making the same keyspace before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl Engine {
    /// The keyspace of this name, made if there is none. One that is there with other options than
    /// `wanted` is refused.
    pub fn keyspace(
        &self,
        name: &str,
        wanted: Option<&KeyspaceOptions>,
    ) -> Result<Arc<KeyspaceState>> {
        self.check_open()?;
        if let Some(wanted) = wanted {
            wanted.check()?;
        }
        loop {
            if let Some(state) = self.keyspaces.get(name) {
                state.check()?;
                self.plugins.orders.admit(&state.order)?;
                if let Some(wanted) = wanted.filter(|wanted| **wanted != state.options) {
                    return Err(contradicted(name, wanted, &state.options));
                }
                return state.check_merger().map(|()| state);
            }
            self.check_writable()?;
            let options = wanted.cloned().unwrap_or_default();
            let strategist = self.plugins.admit(&options)?;
            match self.journal.create_keyspace(name, &options.to_string()) {
                Ok(id) => {
                    let state = KeyspaceState::new(id, name, options, strategist, &self.plugins);
                    self.keyspaces.insert(state.clone());
                    self.progress.notify();
                    self.plugins
                        .listeners
                        .tell(|| Event::KeyspaceCreated { name: name.to_owned() });
                    return Ok(state);
                }
                // Somebody else was faster, and will have it in the list in a moment.
                Err(error) if error.kind() == ErrorKind::Exists => {
                    let soon = self.env.clock.monotonic().saturating_add(LOOK_AGAIN);
                    let mut is_there = || self.keyspaces.get(name).is_some();
                    let _looks_again =
                        self.env.scheduler.wait(&self.progress, Some(soon), &mut is_there);
                }
                Err(error) => {
                    self.note_fault();
                    return Err(error);
                }
            }
        }
    }

    /// Drops a keyspace with everything in it; false if there is none.
    pub fn drop_keyspace(&self, name: &str) -> Result<bool> {
        self.check_writable()?;
        if name == DEFAULT_NAME {
            let message = "the default keyspace cannot be dropped";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let Some(state) = self.keyspaces.get(name) else { return Ok(false) };
        let is_ours = {
            // Under the commit lock: no batch that writes to it is half way in.
            let _writer = self.writer.lock();
            state.drop_now()
        };
        if !is_ours {
            return Ok(false);
        }
        if let Err(error) = self.install(vec![Edit::KeyspaceDropped(state.id)], None) {
            match error.maybe_committed() {
                true => state.doubt_drop(),
                false => state.take_back_drop(),
            }
            return Err(error);
        }
        self.keyspaces.remove(name);
        self.plugins.listeners.tell(|| Event::KeyspaceDropped { name: name.to_owned() });
        Ok(true)
    }
}

/// The error of options that are not those that the keyspace was made with.
fn contradicted(name: &str, wanted: &KeyspaceOptions, has: &KeyspaceOptions) -> Error {
    let operator = |options: &KeyspaceOptions| match options.get_merge_operator() {
        Some(name) => format!("the merge operator `{name}`"),
        None => "no merge operator".to_owned(),
    };
    let message = if wanted.get_merge_operator() == has.get_merge_operator() {
        format!("the keyspace `{name}` has other options: {has}")
    } else {
        let (wanted, has) = (operator(wanted), operator(has));
        format!("the keyspace `{name}` was made with {has}, and is opened with {wanted}")
    };
    Error::new(ErrorKind::InvalidArgument, message)
}
