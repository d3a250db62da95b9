//! The page: what was measured on what, tables, drawings, and how each store was set.

use std::collections::BTreeSet;

use crate::report::figures::{ALL, RATE};
use crate::report::markup::{colour, element, escape, table};
use crate::report::sheet::{Row, Sheet};
use crate::report::{bars, curves};
use crate::result::Outcome;

const STYLE: &str = include_str!("style.css");

/// The whole page.
#[must_use]
pub fn render(sheet: &Sheet) -> String {
    let figures: String = ALL.iter().map(|figure| figure.table(sheet)).collect();
    let drawings = |draw: &dyn Fn(&Row) -> String| {
        let all: String = sheet.rows.iter().map(draw).collect();
        element("div", "plots", &all) + "\n"
    };
    let body = [
        element("h1", "", "lsm-bench"),
        origin(sheet),
        explanation(sheet),
        element("h2", "", "Figures"),
        figures,
        element("h2", "", "Operations a second"),
        legend(sheet) + &drawings(&|row| bars::draw(sheet, row, &RATE)),
        element("h2", "", "Latency by percentile"),
        legend(sheet) + &drawings(&|row| curves::draw(sheet, row)),
        element("h2", "", "How it was set"),
        configurations(sheet),
        element("h3", "", "Settings of the runs"),
        settings(sheet),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>lsm-bench</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{}\n</body>\n\
         </html>\n",
        body.join("\n")
    )
}

/// Where and when.
fn origin(sheet: &Sheet) -> String {
    let machine = |outcome: &Outcome| {
        let it = &outcome.machine;
        let memory = it.memory_bytes as f64 / f64::from(1 << 30);
        let (cores, processor, kernel) = (it.cores, &it.processor, &it.kernel);
        let system = &it.file_system;
        format!("{processor}, {cores} cores, {memory:.0} GiB of memory, Linux {kernel}, {system}")
    };
    let machines: BTreeSet<String> = sheet.outcomes().map(machine).collect();
    let dates: BTreeSet<&str> = sheet.outcomes().map(|outcome| outcome.date.as_str()).collect();
    let (first, last) = (dates.first().unwrap_or(&""), dates.last().unwrap_or(&""));
    let lines: Vec<String> = machines.iter().map(|machine| escape(machine)).collect();
    let when = escape(&format!("{first} to {last}"));
    element("p", "dim", &format!("{}<br>{when}", lines.join("<br>")))
}

fn explanation(sheet: &Sheet) -> String {
    let baseline = escape(&sheet.baseline);
    let words = format!(
        "Each figure is the median of all runs; below it stand the smallest and the largest. \
         &times; is the ratio to <b>{baseline}</b>, in colour if no run of the one reaches into \
         those of the other."
    );
    element("p", "", &words)
}

fn legend(sheet: &Sheet) -> String {
    let key = |(at, engine): (usize, &String)| {
        element("span", &format!("key {}", colour(at)), &escape(engine))
    };
    element("p", "", &sheet.engines.iter().enumerate().map(key).collect::<String>()) + "\n"
}

/// A line for each store: its version, and everything that was set.
fn configurations(sheet: &Sheet) -> String {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for outcome in sheet.outcomes() {
        let settings = outcome.configuration.iter().map(|(name, value)| format!("{name}={value}"));
        let settings = settings.collect::<Vec<_>>().join("; ");
        let line = [&outcome.engine, &outcome.engine_version, &settings].map(|it| escape(it));
        if seen.insert(line.clone()) {
            lines.push(line.to_vec());
        }
    }
    list(&["engine", "version", "configuration"], &lines)
}

/// What was asked for, by what it was asked for in.
fn settings(sheet: &Sheet) -> String {
    let mut lines = Vec::new();
    for row in &sheet.rows {
        let Some(outcome) = row.cells.values().flatten().next() else { continue };
        let flags = serde_json::to_value(&outcome.settings).unwrap_or_default();
        let flags = flags.as_object().into_iter().flatten();
        let flags = flags.filter(|(_, value)| !value.is_null());
        let flags: Vec<String> = flags.map(|(name, value)| format!("--{name}={value}")).collect();
        lines.push(vec![escape(&row.label), escape(&flags.join(" "))]);
    }
    list(&["workload", "flags"], &lines)
}

fn list(head: &[&str], lines: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|word| (*word).to_owned()).collect();
    element("div", "list", &table(&head, lines))
}

#[cfg(test)]
mod tests;
