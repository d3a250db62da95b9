//! A drawing for each workload: bars of medians, and whiskers over all runs.

use crate::nothing;
use crate::report::figures::Figure;
use crate::report::markup::{at, colour, drawing, line, text};
use crate::report::sheet::{Row, Sheet, Summary};

const WIDTH: f64 = 420.0;
const LEFT: f64 = 100.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 24.0;
const STEP: f64 = 22.0;
const BAR: f64 = 14.0;

/// One figure of one workload, for all stores that have it.
#[must_use]
pub fn draw(sheet: &Sheet, row: &Row, figure: &Figure) -> String {
    // The harness alone would make all others look alike.
    let is_shown = |engine: &String| engine != nothing::NAME || sheet.engines.len() == 1;
    let of = |engine: &String| row.summary(engine, figure.of).filter(|_| is_shown(engine));
    let all: Vec<(usize, &String, Summary)> = sheet
        .engines
        .iter()
        .enumerate()
        .filter_map(|(place, engine)| of(engine).map(|summary| (place, engine, summary)))
        .collect();
    let most = all.iter().map(|(.., summary)| summary.max).fold(0.0, f64::max);
    if most <= 0.0 {
        return String::new();
    }
    let scale = (WIDTH - LEFT - RIGHT) / most;
    let mut inner = text("name", (0.0, 14.0), &row.label);
    for (below, (place, engine, summary)) in all.iter().enumerate() {
        let y = TOP + STEP * below as f64;
        inner += &text("right", (LEFT - 6.0, y + 11.0), engine);
        inner += &bar(*summary, scale, y, &colour(*place));
        let value = (figure.show)(summary.median);
        inner += &text("", (LEFT + summary.max * scale + 6.0, y + 11.0), &value);
    }
    let height = TOP + STEP * all.len() as f64;
    drawing(&format!("{}: {}", figure.title, row.label), (WIDTH, height), &inner)
}

fn bar(summary: Summary, scale: f64, y: f64, colour: &str) -> String {
    let (width, middle) = (at(summary.median * scale), y + BAR / 2.0);
    let y = at(y);
    let bar = format!(
        "<rect class=\"{colour}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\"/>\n"
    );
    let [min, max] = [summary.min, summary.max].map(|value| LEFT + value * scale);
    bar + &line("whisker", (min, middle), (max, middle))
}
