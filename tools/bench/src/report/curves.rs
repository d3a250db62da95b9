//! A drawing for each workload: latency by percentile, both by powers of ten, so that the rare slow
//! operations have as much room as the many quick ones.

use crate::report::markup::{at, colour, drawing, line, text};
use crate::report::sheet::{Row, Sheet, Summary};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 22.0;
/// Percentiles that have a mark.
const MARKS: [(f64, &str); 6] =
    [(0.0, "0"), (90.0, "90"), (99.0, "99"), (99.9, "99.9"), (99.99, "99.99"), (99.999, "99.999")];
/// The last percentile that has a place: 100 would be infinitely far.
const LAST: f64 = 99.999;

/// A curve: percentiles and microseconds.
type Curve = Vec<(f64, f64)>;

/// The curves of one workload; nothing if its operations were not timed.
#[must_use]
pub fn draw(sheet: &Sheet, row: &Row) -> String {
    let curves: Vec<(usize, Curve)> = sheet
        .engines
        .iter()
        .enumerate()
        .map(|(place, engine)| (place, median_curve(row, engine)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    let values = || curves.iter().flat_map(|(_, curve)| curve.iter().map(|(_, micros)| *micros));
    let (low, high) = values().fold((f64::MAX, 0.0_f64), |(low, high), micros| {
        (low.min(micros.max(0.001)), high.max(micros))
    });
    if high <= 0.0 {
        return String::new();
    }
    let scale = Scale::around(low, high);
    let mut inner = text("name", (0.0, 14.0), &row.label) + &scale.grid();
    for (place, curve) in &curves {
        inner += &scale.curve(curve, &colour(*place));
    }
    drawing(&format!("Latency by percentile: {}", row.label), (WIDTH, HEIGHT), &inner)
}

/// At each percentile the median of all runs.
fn median_curve(row: &Row, engine: &str) -> Curve {
    let runs = row.cells.get(engine).into_iter().flatten();
    let curves: Vec<&Curve> =
        runs.filter_map(|run| run.latency.as_ref().map(|latency| &latency.curve)).collect();
    let Some(first) = curves.first() else { return Vec::new() };
    let mut median = Vec::new();
    for (place, (percentile, _)) in first.iter().enumerate().filter(|(_, point)| point.0 <= LAST) {
        let values = curves.iter().filter_map(|curve| curve.get(place).map(|(_, micros)| *micros));
        let summary = Summary::of(values.collect());
        median.extend(summary.map(|summary| (*percentile, summary.median)));
    }
    median
}

/// Where values stand.
struct Scale {
    /// The power of ten at the bottom.
    low: f64,
    /// The one at the top.
    high: f64,
}

impl Scale {
    fn around(low: f64, high: f64) -> Self {
        let low = low.log10().floor();
        Self { low, high: high.log10().ceil().max(low + 1.0) }
    }

    fn x(percentile: f64) -> f64 {
        let nines = |percentile: f64| -(1.0 - percentile / 100.0).log10();
        LEFT + (WIDTH - LEFT - RIGHT) * nines(percentile) / nines(LAST)
    }

    fn y(&self, micros: f64) -> f64 {
        let share = (micros.max(0.001).log10() - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
    }

    fn grid(&self) -> String {
        let mut inner = String::new();
        for (percentile, mark) in MARKS {
            let x = Self::x(percentile);
            inner += &line("grid", (x, TOP), (x, HEIGHT - BOTTOM));
            let class = if percentile == LAST { "right" } else { "middle" };
            inner += &text(class, (x, HEIGHT - 6.0), mark);
        }
        let mut power = self.low;
        while power <= self.high {
            let y = self.y(10_f64.powf(power));
            inner += &line("grid", (LEFT, y), (WIDTH - RIGHT, y));
            inner += &text("right", (LEFT - 4.0, y + 4.0), &micros(power));
            power += 1.0;
        }
        inner
    }

    fn curve(&self, curve: &Curve, colour: &str) -> String {
        let place = |(percentile, micros): &(f64, f64)| {
            format!("{},{}", at(Self::x(*percentile)), at(self.y(*micros)))
        };
        let places: Vec<String> = curve.iter().map(place).collect();
        format!("<polyline class=\"curve {colour}\" points=\"{}\"/>\n", places.join(" "))
    }
}

/// A power of ten of microseconds, in a unit that fits.
fn micros(power: f64) -> String {
    let (power, unit) = match power {
        power if power >= 6.0 => (power - 6.0, "s"),
        power if power >= 3.0 => (power - 3.0, "ms"),
        power if power >= 0.0 => (power, "us"),
        power => (power + 3.0, "ns"),
    };
    format!("{:.0} {unit}", 10_f64.powf(power))
}
