//! Strategies of the program's own, by the names that options of keyspaces choose them by.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::compaction::strategy::Strategy;
use crate::options::keyspace::is_strategy_name;

/// What was registered.
#[derive(Clone, Default)]
pub struct Strategies {
    by_name: BTreeMap<String, Arc<dyn Strategy>>,
    /// The first name that could not be taken.
    refused: Option<Error>,
}

impl Strategies {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. It is asked for its name here and never again.
    pub fn add(&mut self, strategy: Arc<dyn Strategy>) {
        let name = strategy.name().to_owned();
        let why = if !is_strategy_name(&name) {
            format!("`{name}` cannot be the name of a strategy")
        } else if self.by_name.insert(name.clone(), strategy).is_some() {
            format!("two strategies have the name `{name}`")
        } else {
            return;
        };
        self.refused.get_or_insert(Error::new(ErrorKind::InvalidArgument, why));
    }

    /// Refuses names that could not be taken.
    pub fn check(&self) -> Result<()> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Strategy>> {
        self.by_name.get(name)
    }
}

impl fmt::Debug for Strategies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
