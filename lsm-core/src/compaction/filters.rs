//! Compaction filters by the names that options of keyspaces choose them by.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::compaction::filter::CompactionFilter;
use crate::options::keyspace::is_strategy_name;

/// What was registered.
#[derive(Clone, Default)]
pub struct Filters {
    by_name: BTreeMap<String, Arc<dyn CompactionFilter>>,
    /// The first name that could not be taken.
    refused: Option<Error>,
    /// None is used, and none is missed.
    is_off: bool,
}

impl Filters {
    /// Adds one. It is asked for its name here and never again.
    pub fn add(&mut self, filter: Arc<dyn CompactionFilter>) {
        let name = filter.name().to_owned();
        let why = if !is_strategy_name(&name) {
            format!("`{name}` cannot be the name of a compaction filter")
        } else if self.by_name.insert(name.clone(), filter).is_some() {
            format!("two compaction filters have the name `{name}`")
        } else {
            return;
        };
        self.refused.get_or_insert(Error::new(ErrorKind::InvalidArgument, why));
    }

    /// Has everything kept, for somebody who brings data as it is.
    pub fn switch_off(&mut self) {
        self.is_off = true;
    }

    /// Refuses names that could not be taken.
    pub fn check(&self) -> Result<()> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn CompactionFilter>> {
        self.by_name.get(name).filter(|_| !self.is_off)
    }

    /// Refuses a name under which nothing is registered, for a keyspace that is about to be made.
    pub fn check_there(&self, name: Option<&str>) -> Result<()> {
        match name {
            Some(name) if !self.is_off && !self.by_name.contains_key(name) => {
                let message = format!(
                    "the compaction filter `{name}` is not registered: it is given to the builder \
                     at each opening"
                );
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
