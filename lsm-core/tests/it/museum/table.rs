//! The table of planted bugs in docs/testing.md: the one place that says which lanes find which.

use std::fs;

use lsm_core::base::planted::Bug;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/testing.md");
/// What ends the first column of a row.
const NAMED: &str = "` |";

/// The page, line by line.
pub struct Table {
    lines: Vec<String>,
}

impl Table {
    pub fn read() -> Self {
        let page = fs::read_to_string(PATH).unwrap();
        Self { lines: page.lines().map(str::to_owned).collect() }
    }

    /// The lanes that find a bug. No row is the same as a row without lanes.
    pub fn lanes(&self, bug: Bug) -> Vec<String> {
        let row = self.lines.iter().find_map(|line| row_of(line, bug)).unwrap_or_default();
        let column = row.split(" | ").nth(1).unwrap_or_default();
        let lanes = column.split('`').skip(1).step_by(2);
        lanes.map(str::to_owned).collect()
    }

    /// Writes other lanes down in the place of those that are there.
    pub fn set(&mut self, bug: Bug, lanes: &[String]) {
        let column = lanes.iter().map(|lane| format!("`{lane}`")).collect::<Vec<_>>().join(", ");
        for line in &mut self.lines {
            let Some(row) = row_of(line, bug) else { continue };
            let what = row.split(" | ").next().unwrap_or_default().trim_end_matches(" |").trim();
            *line = format!("| `{bug:?}{NAMED} {what} | {column} |");
        }
    }

    pub fn write(&self) {
        fs::write(PATH, self.lines.join("\n") + "\n").unwrap();
    }

    /// The lines of tables under a heading, up to the next one.
    fn rows_under(&self, heading: &str) -> impl Iterator<Item = &str> {
        let mut lines = self.lines.iter().map(String::as_str);
        lines.find(|line| *line == heading).expect("the heading is there");
        lines.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with("| "))
    }
}

/// What stands in a row of this bug behind its name.
fn row_of(line: &str, bug: Bug) -> Option<&str> {
    line.strip_prefix(&format!("| `{bug:?}{NAMED}"))
}

#[test]
fn every_bug_has_a_row_and_every_row_a_bug() {
    let table = Table::read();
    let rows = table.rows_under("## Planted bugs").filter(|row| row.starts_with("| `"));
    let named: Vec<_> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    let bugs: Vec<_> = Bug::ALL.iter().map(|bug| format!("{bug:?}")).collect();
    assert_eq!(named, bugs, "in the order of base/planted.rs");
    assert!(bugs.len() >= 60);
}

#[test]
fn what_happened_elsewhere_is_planted_here() {
    let table = Table::read();
    let rows: Vec<_> = table.rows_under("### From the history of other engines").skip(2).collect();
    let is_bug = |name: &str| Bug::ALL.iter().any(|bug| format!("{bug:?}") == name);
    for row in &rows {
        let column = row.split(" | ").nth(1).unwrap_or_default();
        let mut named = column.split('`').skip(1).step_by(2).peekable();
        assert!(named.peek().is_some() && named.all(is_bug), "{row}");
    }
    assert!(rows.len() > 15, "{} rows", rows.len());
}
