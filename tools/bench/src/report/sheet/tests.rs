//! Runs find each other, and medians are medians.

use super::{Sheet, Summary, read};
use crate::report::testing::outcome;

#[test]
fn medians_and_spreads() {
    let of = |values: &[f64]| {
        let summary = Summary::of(values.to_vec())?;
        Some((summary.median, summary.min, summary.max, summary.runs))
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[7.0]), Some((7.0, 7.0, 7.0, 1)));
    assert_eq!(of(&[3.0, 1.0, 2.0]), Some((2.0, 1.0, 3.0, 3)));
    assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Some((2.5, 1.0, 4.0, 4)));
}

#[test]
fn a_result_is_read_as_it_was_written() {
    let written = outcome("lsm", 5, "--num=7 --sync");
    let text = format!("\n{}\n\n", serde_json::to_string(&written).unwrap());
    let read = read("file", &text).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", [without_words(written)]));
}

/// What is run, and where, is not written down.
fn without_words(mut outcome: crate::result::Outcome) -> crate::result::Outcome {
    outcome.settings.benchmarks.clear();
    outcome
}

#[test]
fn other_lines_are_refused_with_their_place() {
    let good = serde_json::to_string(&outcome("lsm", 5, "")).unwrap();
    for bad in ["{}", "nonsense", "{\"schema\":1}"] {
        let error = read("a.jsonl", &format!("{good}\n{bad}\n")).unwrap_err();
        assert!(error.starts_with("a.jsonl:2: it is no result"), "{error}");
    }
    let newer = good.replace("\"schema\":1", "\"schema\":9");
    assert!(read("a.jsonl", &newer).unwrap_err().contains("version 9"));
}

#[test]
fn runs_with_other_settings_are_other_rows() {
    let outcomes = vec![
        outcome("lsm", 1, "--threads=1 --seed=1"),
        outcome("lsm", 2, "--threads=4 --seed=2"),
        outcome("lsm", 3, "--threads=1 --seed=3"),
        outcome("rocksdb", 4, "--threads=4"),
    ];
    let sheet = Sheet::new(outcomes, None).unwrap();
    let rows: Vec<(&str, usize)> = sheet
        .rows
        .iter()
        .map(|row| (row.label.as_str(), row.cells.values().flatten().count()))
        .collect();
    assert_eq!(rows, [("fillrandom threads=1", 2), ("fillrandom threads=4", 2)]);
}

#[test]
fn the_baseline_is_the_one_asked_for_or_the_usual_one() {
    let sheet = |names: &[&str], wanted: Option<&str>| {
        let outcomes = names.iter().map(|name| outcome(name, 1, "")).collect();
        Sheet::new(outcomes, wanted).map(|sheet| sheet.baseline)
    };
    assert_eq!(sheet(&["nothing", "lsm", "lmdb", "rocksdb"], None).unwrap(), "rocksdb");
    assert_eq!(sheet(&["nothing", "lsm", "lmdb"], None).unwrap(), "lmdb");
    assert_eq!(sheet(&["nothing", "lsm"], None).unwrap(), "lsm");
    assert_eq!(sheet(&["lsm", "lmdb"], Some("lsm")).unwrap(), "lsm");
    assert!(sheet(&["lsm"], Some("lmdb")).unwrap_err().contains("lmdb"));
    assert!(sheet(&[], None).is_err());
}
