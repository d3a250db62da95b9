//! Medians and spreads of what several runs measured.

use lsm_bench::report::page::render;
use lsm_bench::report::sheet::Sheet;
use lsm_bench::result::Outcome;
use lsm_bench::store::Result;

/// The runs of one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of values in any order; `None` of none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |place: usize| values.get(place).copied();
        let median = at(last / 2)?.midpoint(at(last.div_ceil(2))?);
        Some(Self { min: at(0)?, median, max: at(last)? })
    }
}

/// Everything that was measured, in the order in which it came.
#[derive(Default)]
pub(crate) struct Figures(Vec<Outcome>);

/// What is looked at in a run; `None` where there is no such figure.
pub(crate) type Figure = fn(&Outcome) -> Option<f64>;

impl Figures {
    pub(crate) fn add(&mut self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.0.extend(outcomes);
    }

    /// The workloads, in the order in which they were run first.
    pub(crate) fn workloads(&self) -> Vec<&str> {
        self.names(|outcome| &outcome.workload)
    }

    /// The engines, in the order in which they ran first.
    pub(crate) fn engines(&self) -> Vec<&str> {
        self.names(|outcome| &outcome.engine)
    }

    fn names(&self, name: fn(&Outcome) -> &String) -> Vec<&str> {
        let mut names = Vec::new();
        for name in self.0.iter().map(|outcome| name(outcome).as_str()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// A page of HTML with everything.
    pub(crate) fn page(self) -> Result<String> {
        Ok(render(&Sheet::new(self.0, None)?))
    }

    /// A figure of all runs of a workload on an engine.
    pub(crate) fn spread(&self, workload: &str, engine: &str, figure: Figure) -> Option<Spread> {
        let is_meant =
            |outcome: &&Outcome| outcome.workload == workload && outcome.engine == engine;
        Spread::of(self.0.iter().filter(is_meant).filter_map(figure).collect())
    }
}

#[cfg(test)]
#[path = "figures_test.rs"]
mod tests;
