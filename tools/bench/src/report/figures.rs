//! The figures that are compared, and their tables.

use crate::nothing;
use crate::report::markup::{element, escape, table};
use crate::report::sheet::{Row, Sheet, Summary};
use crate::result::{Outcome, short, thousands};

/// Something that a run is measured by.
pub struct Figure {
    /// What stands above its table.
    pub title: &'static str,
    /// More of it is better.
    pub is_more_better: bool,
    /// Its value in a run, if the run has one.
    pub of: fn(&Outcome) -> Option<f64>,
    /// How a value is written.
    pub show: fn(f64) -> String,
}

/// Operations a second: the figure that comes first, and is drawn.
pub const RATE: Figure = Figure {
    title: "Operations a second",
    is_more_better: true,
    of: |outcome| Some(outcome.work.per_second()),
    show: thousands,
};

/// All figures, in the order of their tables.
pub const ALL: &[Figure] = &[
    RATE,
    less("Operations a second until the background is idle", Outcome::settled_per_second).more(),
    less("Processor time for an operation, microseconds", |it| Some(it.processor_micros())),
    less("The same until the background is idle, microseconds", Outcome::settled_processor_micros),
    less("Latency p50, microseconds", |it| Some(it.latency.as_ref()?.p50)),
    less("Latency p99, microseconds", |it| Some(it.latency.as_ref()?.p99)),
    less("Latency p99.9, microseconds", |it| Some(it.latency.as_ref()?.p999)),
    less("Latency p99.99, microseconds", |it| Some(it.latency.as_ref()?.p9999)),
    less("Longest latency, microseconds", |it| Some(it.latency.as_ref()?.max)),
    less("Writes a second beside readers", |it| Some(it.beside.as_ref()?.per_second)).more(),
    less("Write amplification while it runs", Outcome::write_amplification),
    less("Write amplification until the background is idle", Outcome::settled_write_amplification),
    less("Space amplification", Outcome::space_amplification),
    less("Peak memory, MB", |it| Some(it.memory.peak_bytes as f64 / 1e6)),
];

const fn less(title: &'static str, of: fn(&Outcome) -> Option<f64>) -> Figure {
    Figure { title, is_more_better: false, of, show: short }
}

impl Figure {
    const fn more(self) -> Self {
        Self { is_more_better: true, show: thousands, ..self }
    }

    /// Its table, or nothing if no run has it.
    #[must_use]
    pub fn table(&self, sheet: &Sheet) -> String {
        let mut head = vec!["workload".to_owned()];
        head.extend(sheet.engines.iter().map(|engine| escape(engine)));
        let has = |row: &&Row| sheet.engines.iter().any(|it| row.summary(it, self.of).is_some());
        let lines: Vec<Vec<String>> =
            sheet.rows.iter().filter(has).map(|row| self.line(sheet, row)).collect();
        if lines.is_empty() {
            return String::new();
        }
        let better = if self.is_more_better { "more" } else { "less" };
        let title = format!("{} <small>({better} is better)</small>", escape(self.title));
        element("h3", "", &title) + "\n" + &table(&head, &lines)
    }

    fn line(&self, sheet: &Sheet, row: &Row) -> Vec<String> {
        let baseline = row.summary(&sheet.baseline, self.of);
        let cell = |engine: &String| {
            let Some(own) = row.summary(engine, self.of) else { return "-".to_owned() };
            let is_compared = *engine != sheet.baseline && engine != nothing::NAME;
            self.cell(own, baseline.filter(|_| is_compared))
        };
        let label = escape(&row.label);
        std::iter::once(label).chain(sheet.engines.iter().map(cell)).collect()
    }

    /// The median, its ratio to the baseline's, and how far runs lie apart.
    fn cell(&self, own: Summary, baseline: Option<Summary>) -> String {
        let mut cell = element("b", "", &(self.show)(own.median));
        if let Some(baseline) = baseline.filter(|baseline| baseline.median > 0.0) {
            let ratio = format!("&times; {:.2}", own.median / baseline.median);
            cell += &format!(" {}", element("span", self.judge(own, baseline), &ratio));
        }
        if own.runs > 1 {
            let [min, max] = [own.min, own.max].map(self.show);
            cell += &format!("<br>{}", element("small", "", &format!("{min} .. {max}")));
        }
        cell
    }

    /// Better or worse only if no run of the one reaches into those of the other.
    fn judge(&self, own: Summary, baseline: Summary) -> &'static str {
        match (own.min > baseline.max, own.max < baseline.min) {
            (true, _) if self.is_more_better => "better",
            (_, true) if !self.is_more_better => "better",
            (false, false) => "even",
            _ => "worse",
        }
    }
}
