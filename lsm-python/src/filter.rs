//! Compaction filters that are functions of Python's.

use lsm_core::{Builder, CompactionFilter, FilterContext, FilterDecision, Result};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes};

use crate::border::calling::call;
use crate::border::expiry::seconds_since_1970;
use crate::event::Told;
use crate::operator::{ask, take};

/// The name of a filter, and what it answers: `None` to keep a value, `False` to remove it, else
/// what takes its place.
pub(crate) type Parts = (String, Py<PyAny>);

/// A filter by way of Python. Its function is let go of with the database, as a listener is.
#[derive(Clone)]
struct Own {
    name: String,
    filter: Told,
}

/// All filters of a database.
#[derive(Clone, Default)]
pub(crate) struct Filters(Vec<Own>);

impl Filters {
    pub(crate) fn new(all: Vec<Parts>) -> Self {
        let own = |(name, filter): Parts| Own { name, filter: Told::new(Some(filter)) };
        Self(all.into_iter().map(own).collect())
    }

    /// Every function.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Told> {
        self.0.iter().map(|own| &own.filter)
    }

    /// Registers them.
    pub(crate) fn register(&self, builder: Builder) -> Builder {
        self.0.iter().fold(builder, |builder, own| builder.compaction_filter(own.clone()))
    }
}

impl CompactionFilter for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn filter(
        &self,
        key: &[u8],
        value: &[u8],
        context: &FilterContext<'_>,
    ) -> Result<FilterDecision> {
        let end = seconds_since_1970(context.expiry);
        ask(&self.filter, |function| {
            let [key, value] = [key, value].map(|bytes| PyBytes::new(function.py(), bytes));
            let about = (context.keyspace, context.level, context.is_last_level, end);
            let answer = call(function, (key, value, about))?;
            if answer.is_none() {
                return Ok(FilterDecision::Keep);
            }
            if answer.is_instance_of::<PyBool>() {
                return Ok(FilterDecision::Remove);
            }
            let mut new = Vec::new();
            take(&answer, &mut new).map(|()| FilterDecision::Replace(new))
        })
    }
}
