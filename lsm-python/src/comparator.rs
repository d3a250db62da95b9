//! Orders of keys that are functions of Python's.

use lsm_core::{Builder, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::border::calling::call;
use crate::event::Told;
use crate::operator::{ask, take};

/// The name of an order, and what makes a sort key of a key.
pub(crate) type Parts = (String, Py<PyAny>);

/// All orders of a database. Their functions are let go of with the database, as a listener is.
#[derive(Clone, Default)]
pub(crate) struct Orders(Vec<(String, Told)>);

impl Orders {
    pub(crate) fn new(all: Vec<Parts>) -> Self {
        let own = |(name, sort_key): Parts| (name, Told::new(Some(sort_key)));
        Self(all.into_iter().map(own).collect())
    }

    /// Every function.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Told> {
        self.0.iter().map(|(_, sort_key)| sort_key)
    }

    /// Registers them.
    pub(crate) fn register(&self, mut builder: Builder) -> Builder {
        for (name, function) in &self.0 {
            let function = function.clone();
            builder = builder.comparator(name, move |key, out| sort_key(&function, key, out));
        }
        builder
    }
}

fn sort_key(function: &Told, key: &[u8], out: &mut Vec<u8>) -> Result<()> {
    ask(function, |function| take(&call(function, (PyBytes::new(function.py(), key),))?, out))
}
