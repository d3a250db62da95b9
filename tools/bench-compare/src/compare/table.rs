//! What came out, as tables in Markdown: a row for each workload, a column for each engine.

use std::fmt::Write as _;

use lsm_bench::result::{Outcome, short, thousands};

use crate::compare::figures::{Figure, Figures, Spread};

/// One table.
struct Table {
    title: &'static str,
    figure: Figure,
    cell: fn(&Spread) -> String,
}

const TABLES: [Table; 8] = [
    Table {
        title: "Operations a second: median (smallest - largest)",
        figure: |outcome| Some(outcome.work.per_second()),
        cell: |spread| {
            let [min, median, max] = [spread.min, spread.median, spread.max].map(thousands);
            format!("{median} ({min} - {max})")
        },
    },
    Table {
        title: "Writes a second beside the readers",
        figure: |outcome| Some(outcome.beside.as_ref()?.per_second),
        cell: |spread| thousands(spread.median),
    },
    Table { title: "p50, us", figure: |outcome| Some(outcome.latency.as_ref()?.p50), cell: median },
    Table {
        title: "p99.9, us",
        figure: |outcome| Some(outcome.latency.as_ref()?.p999),
        cell: median,
    },
    Table {
        title: "Processor time of the whole process, us for each operation",
        figure: |outcome| Some(outcome.processor_micros()),
        cell: median,
    },
    Table {
        title: "Write amplification, until the background was through",
        figure: |outcome| {
            outcome.settled_write_amplification().or_else(|| outcome.write_amplification())
        },
        cell: median,
    },
    Table {
        title: "Room on the disk for each byte of the pairs",
        figure: Outcome::space_amplification,
        cell: median,
    },
    Table {
        title: "Peak memory, MB",
        figure: |outcome| Some(outcome.memory.peak_bytes as f64 / 1e6),
        cell: median,
    },
];

fn median(spread: &Spread) -> String {
    short(spread.median)
}

/// All tables. Ratios are those of the first engine to each other one.
pub(crate) fn tables(figures: &Figures, engines: &[&str]) -> String {
    let mut text = String::new();
    for (place, table) in TABLES.iter().enumerate() {
        let cell = |workload: &str, engine: &str| {
            figures.spread(workload, engine, table.figure).map(|spread| (table.cell)(&spread))
        };
        push(&mut text, table.title, figures, engines, &cell);
        if let (0, Some((first, others))) = (place, engines.split_first()) {
            let title = format!("How many times as fast {first} is, by the medians");
            let cell = |workload: &str, other: &str| ratio(figures, workload, first, other);
            push(&mut text, &title, figures, others, &cell);
        }
    }
    text
}

fn ratio(figures: &Figures, workload: &str, first: &str, other: &str) -> Option<String> {
    let rate = |engine: &str| figures.spread(workload, engine, |run| Some(run.work.per_second()));
    let (own, other) = (rate(first)?.median, rate(other)?.median);
    (other > 0.0).then(|| format!("{:.2}", own / other))
}

/// Adds a table, unless it is empty.
fn push(
    text: &mut String,
    title: &str,
    figures: &Figures,
    engines: &[&str],
    cell: &dyn Fn(&str, &str) -> Option<String>,
) {
    let mut rows = vec![[&["workload"], engines].concat().into_iter().map(str::to_owned).collect()];
    for workload in figures.workloads() {
        let cells: Vec<_> = engines.iter().map(|engine| cell(workload, engine)).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(Option::unwrap_or_default);
            rows.push(std::iter::once(workload.to_owned()).chain(cells).collect::<Vec<_>>());
        }
    }
    if rows.len() > 1 {
        let _written = write!(text, "{title}\n\n{}\n", markdown(&rows));
    }
}

/// Rows as a table whose columns are as wide as their widest cell. The first row is the head.
pub(crate) fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let widths: Vec<usize> = (0..columns)
        .map(|column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0).max(3))
        .collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        push_row(&mut text, &widths, |column| row.get(column).cloned().unwrap_or_default());
        if place == 0 {
            push_row(&mut text, &widths, |column| {
                "-".repeat(widths.get(column).copied().unwrap_or(0))
            });
        }
    }
    text
}

fn push_row(text: &mut String, widths: &[usize], cell: impl Fn(usize) -> String) {
    for (column, width) in widths.iter().enumerate() {
        let _written = write!(text, "| {:width$} ", cell(column));
    }
    text.push_str("|\n");
}

#[cfg(test)]
#[path = "table_test.rs"]
mod tests;
