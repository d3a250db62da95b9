//! How each engine is set, its version and where it comes from, as the engines themselves say it.

use lsm_bench::store::{Engine, Setup};

use crate::compare::table::markdown;

/// One table in Markdown.
pub(crate) fn configurations(engines: &[&dyn Engine], setup: &Setup) -> String {
    let mut rows = vec![["engine", "version", "setting", "value"].map(str::to_owned).to_vec()];
    for engine in engines {
        let mut head = [engine.name().to_owned(), engine.version()];
        let mut lines = engine.configuration(setup);
        if lines.is_empty() {
            lines.push(Default::default());
        }
        for (name, value) in lines {
            rows.push([&head[..], &[name, value]].concat());
            head = Default::default();
        }
    }
    markdown(&rows)
}
