//! What was measured, sorted: a row for each workload, a cell for each kind of store, all its runs
//! in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::nothing;
use crate::result::{Outcome, SCHEMA};

/// The store that others are held against, if it is there.
const BASELINE: &str = "rocksdb";
/// Settings that may differ without making it another workload.
const IGNORED: [&str; 2] = ["seed", "use_existing_db"];

/// Everything that was measured.
#[derive(Debug)]
pub struct Sheet {
    /// Kinds of stores, in the order in which they came.
    pub engines: Vec<String>,
    /// The one that others are held against.
    pub baseline: String,
    /// Workloads, in the order in which they came.
    pub rows: Vec<Row>,
}

/// A workload, with the same settings.
#[derive(Debug)]
pub struct Row {
    /// Its name, and the settings in which it differs from others of this name.
    pub label: String,
    /// The runs of each kind of store.
    pub cells: BTreeMap<String, Vec<Outcome>>,
}

/// Several runs in three numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Half are smaller.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many there are.
    pub runs: usize,
}

/// Reads lines of JSON; blank ones do not count.
pub fn read(name: &str, text: &str) -> Result<Vec<Outcome>, String> {
    let mut outcomes = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let outcome: Outcome = serde_json::from_str(line)
            .map_err(|error| format!("{name}:{}: it is no result: {error}", at + 1))?;
        if outcome.schema != SCHEMA {
            let (at, schema) = (at + 1, outcome.schema);
            return Err(format!("{name}:{at}: a result of version {schema}, and not {SCHEMA}"));
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

impl Sheet {
    /// Sorts outcomes. Fails if there are none, or if none is of the baseline that is asked for.
    pub fn new(outcomes: Vec<Outcome>, baseline: Option<&str>) -> Result<Self, String> {
        let mut engines: Vec<String> = Vec::new();
        for outcome in &outcomes {
            if !engines.contains(&outcome.engine) {
                engines.push(outcome.engine.clone());
            }
        }
        let baseline = chosen(&engines, baseline)?;
        Ok(Self { rows: rows(outcomes), engines, baseline })
    }

    /// Every run.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.rows.iter().flat_map(|row| row.cells.values().flatten())
    }
}

fn chosen(engines: &[String], wanted: Option<&str>) -> Result<String, String> {
    let is_there = |name: &str| engines.iter().find(|engine| *engine == name).cloned();
    if let Some(name) = wanted {
        let known = engines.join(", ");
        return is_there(name)
            .ok_or_else(|| format!("nothing of `{name}` was measured, but of: {known}"));
    }
    let mut stores = engines.iter().filter(|engine| *engine != nothing::NAME);
    let first = stores.next();
    let usual = is_there(BASELINE).or_else(|| stores.next().or(first).cloned());
    usual.or_else(|| engines.first().cloned()).ok_or_else(|| "there are no results".to_owned())
}

fn rows(outcomes: Vec<Outcome>) -> Vec<Row> {
    let labels: Vec<String> = {
        let settings: Vec<BTreeMap<String, Value>> = outcomes.iter().map(settings_of).collect();
        let all = || outcomes.iter().zip(&settings);
        let label = |(outcome, own): (&Outcome, &BTreeMap<String, Value>)| {
            let others = all().filter(|(other, _)| other.workload == outcome.workload);
            label(&outcome.workload, own, others.map(|(_, settings)| settings))
        };
        all().map(label).collect()
    };
    let mut rows: Vec<Row> = Vec::new();
    for (outcome, label) in outcomes.into_iter().zip(labels) {
        let at = rows.iter().position(|row| row.label == label).unwrap_or(rows.len());
        if at == rows.len() {
            rows.push(Row { label, cells: BTreeMap::new() });
        }
        if let Some(row) = rows.get_mut(at) {
            row.cells.entry(outcome.engine.clone()).or_default().push(outcome);
        }
    }
    rows
}

fn settings_of(outcome: &Outcome) -> BTreeMap<String, Value> {
    let Ok(Value::Object(settings)) = serde_json::to_value(&outcome.settings) else {
        return BTreeMap::new();
    };
    let mut settings: BTreeMap<String, Value> = settings.into_iter().collect();
    settings.retain(|name, _| !IGNORED.contains(&name.as_str()));
    settings
}

/// A workload's name, with the settings that are not the same in all that have the name.
fn label<'a>(
    workload: &str,
    own: &BTreeMap<String, Value>,
    others: impl Iterator<Item = &'a BTreeMap<String, Value>>,
) -> String {
    let mut differing = BTreeSet::new();
    for other in others {
        let differs = |(name, value): &(&String, &Value)| other.get(*name) != Some(*value);
        differing.extend(own.iter().filter(differs).map(|(name, _)| name));
    }
    let shown = |name: &&String| {
        let value = own.get(*name).map(Value::to_string).unwrap_or_default();
        format!("{name}={}", value.trim_matches('"'))
    };
    let shown: Vec<String> = differing.iter().map(shown).collect();
    if shown.is_empty() { workload.to_owned() } else { format!("{workload} {}", shown.join(" ")) }
}

impl Row {
    /// One figure of all runs of a kind of store; `None` if no run has it.
    #[must_use]
    pub fn summary(&self, engine: &str, figure: fn(&Outcome) -> Option<f64>) -> Option<Summary> {
        let runs = self.cells.get(engine)?;
        Summary::of(runs.iter().filter_map(figure).collect())
    }
}

impl Summary {
    /// Of these values; `None` if there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let runs = values.len();
        let [low, high] = [runs.checked_sub(1)? / 2, runs / 2].map(|at| values.get(at).copied());
        let median = f64::midpoint(low?, high?);
        Some(Self { median, min: *values.first()?, max: *values.last()?, runs })
    }
}

#[cfg(test)]
mod tests;
