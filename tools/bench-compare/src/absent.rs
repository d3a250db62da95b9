//! A peer that this program was built without: it is named, and says what to do.

use std::path::Path;

use lsm_bench::store::{Engine, Result, Setup, Store};

/// The name of a peer, which is also that of its feature.
pub(crate) struct Absent(pub(crate) &'static str);

impl Absent {
    fn words(&self) -> String {
        format!("not in this program: build it with --features {}", self.0)
    }
}

impl Engine for Absent {
    fn name(&self) -> &str {
        self.0
    }

    fn version(&self) -> String {
        self.words()
    }

    fn configuration(&self, _: &Setup) -> Vec<(String, String)> {
        Vec::new()
    }

    fn open(&self, _: &Path, _: &Setup) -> Result<Box<dyn Store>> {
        Err(self.words().into())
    }
}
