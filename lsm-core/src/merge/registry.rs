//! Operators by the names that options of keyspaces choose them by.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::key::order::Order;
use crate::merge::builtin::{NAMES, built_in};
use crate::merge::merger::Merger;
use crate::merge::operator::{MergeOperator, is_operator_name};

/// What was registered, and what is built in.
#[derive(Clone, Default)]
pub struct Operators {
    by_name: BTreeMap<String, Arc<dyn MergeOperator>>,
    /// The first name that could not be taken.
    refused: Option<Error>,
    /// Others may be missing.
    is_excusing: bool,
}

impl Operators {
    /// Adds one. It is asked for its name here and never again.
    pub fn add(&mut self, operator: Arc<dyn MergeOperator>) {
        let name = operator.name().to_owned();
        let why = if !is_operator_name(&name) {
            format!("`{name}` cannot be the name of a merge operator")
        } else if NAMES.contains(&name.as_str()) {
            format!("`{name}` is the name of a built-in merge operator")
        } else if self.by_name.insert(name.clone(), operator).is_some() {
            format!("two merge operators have the name `{name}`")
        } else {
            return;
        };
        self.refused.get_or_insert(Error::new(ErrorKind::InvalidArgument, why));
    }

    /// Lets keyspaces be opened whose operators are missing, by somebody who folds nothing.
    pub fn excuse_missing(&mut self) {
        self.is_excusing = true;
    }

    /// Refuses names that could not be taken.
    pub fn check(&self) -> Result<()> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// The one that the options of a keyspace name, there or not; `None` if they name none.
    #[must_use]
    pub fn merger(&self, name: Option<&str>, order: &Order) -> Option<Arc<Merger>> {
        let name = name?;
        let operator = built_in(name).or_else(|| self.by_name.get(name).cloned());
        let merger = Merger::new(name, operator).ordered(order);
        Some(Arc::new(if self.is_excusing { merger.excused() } else { merger }))
    }
}

impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
