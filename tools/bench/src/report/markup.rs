//! Pieces of HTML and SVG.

use std::fmt::Display;

/// Text that stands in a page as it is.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// An element around other markup.
#[must_use]
pub fn element(name: &str, class: &str, inner: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<{name}{class}>{inner}</{name}>")
}

/// A table: the words above its columns, then lines of markup.
#[must_use]
pub fn table(head: &[String], lines: &[Vec<String>]) -> String {
    let cells = |name: &str, cells: &[String]| {
        let cells = cells.iter().map(|cell| element(name, "", cell));
        element("tr", "", &cells.collect::<String>())
    };
    let body: String = lines.iter().map(|line| cells("td", line) + "\n").collect();
    let head = element("thead", "", &cells("th", head));
    let table = element("table", "", &format!("{head}\n{}", element("tbody", "", &body)));
    element("div", "wide", &table) + "\n"
}

/// A drawing with a name, in units of its own.
#[must_use]
pub fn drawing(name: &str, (width, height): (f64, f64), inner: &str) -> String {
    let name = escape(name);
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{name}\">\
         <title>{name}</title>\n{inner}</svg>\n"
    )
}

/// A place in a drawing, to a tenth of a unit.
#[must_use]
pub fn at(value: f64) -> impl Display {
    (value * 10.0).round() / 10.0
}

/// A line between two places.
#[must_use]
pub fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> String {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(at);
    format!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>\n")
}

/// Text at a place.
#[must_use]
pub fn text(class: &str, place: (f64, f64), text: &str) -> String {
    let ([x, y], text) = ([place.0, place.1].map(at), escape(text));
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>\n")
}

/// The class that gives the store at this place among all its colour.
#[must_use]
pub fn colour(at: usize) -> String {
    format!("c{}", at % 8)
}
