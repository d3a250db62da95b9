//! The program as people run it: with this engine, and with what the machine has not.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may panic, and run programs"
)]

use std::path::Path;
use std::process::{Command, Output};

/// Runs it; LevelDB is a library that is not there.
fn run(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lsm-bench-compare"));
    command.args(words).env("LSM_LEVELDB", "/nowhere/libleveldb.so").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Engine and workload of each line of JSON.
fn lines(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let read = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap() };
    let field = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap().to_owned();
    text.lines().map(read).map(|line| (field(&line, "engine"), field(&line, "workload"))).collect()
}

#[test]
fn rounds_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.jsonl");
    let html = dir.path().join("out.html");
    let [into_json, into_html] = [("json", &json), ("html", &html)]
        .map(|(name, path)| format!("--{name}={}", path.display()));
    let workloads = "--benchmarks=fillrandom,readrandom,readrandom";
    let flags = ["--engines=lsm,nothing", "--rounds", "2", "--num=300", workloads];
    let output = run(&[&flags[..], &[&into_json, &into_html]].concat());
    assert!(output.status.success(), "{output:?}");
    let names = ["fillrandom", "readrandom", "readrandom#2"];
    let wanted: Vec<_> = ["lsm", "nothing", "nothing", "lsm"]
        .iter()
        .flat_map(|engine| names.map(|name| ((*engine).to_owned(), name.to_owned())))
        .collect();
    assert_eq!(lines(&json), wanted);
    assert!(std::fs::read_to_string(&html).unwrap().contains("readrandom#2"));
    let text = said(&output);
    assert!(text.contains("How many times as fast lsm is"), "{text}");
    assert!(text.lines().filter(|line| line.starts_with("| readrandom#2 ")).count() > 3, "{text}");
    assert!(!text.contains("Left out"), "{text}");
    let again = run(&["tables", json.to_str().unwrap()]);
    assert_eq!(said(&again).trim(), text.trim());
}

#[test]
fn what_is_missing_is_left_out_in_words() {
    let output = run(&["--engines=lsm,leveldb", "--rounds=1", "--num=10", "--benchmarks=fillseq"]);
    assert!(output.status.success(), "{output:?}");
    let text = said(&output);
    let (_, left_out) = text.split_once("Left out:").unwrap();
    assert!(left_out.contains("* leveldb: /nowhere/libleveldb.so"), "{text}");
    assert!(left_out.contains("install libleveldb1d"), "{text}");
}

#[test]
fn a_failure_is_told_and_ends_badly() {
    let dir = tempfile::tempdir().unwrap();
    let db = format!("--db={}", dir.path().join("none").display());
    let words =
        ["--engines=lsm", "--rounds=2", "--benchmarks=readrandom", "--use_existing_db", &db];
    let output = run(&words);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = said(&output);
    assert!(text.contains("* lsm, in round 1: "), "{text}");
    assert!(!text.contains("in round 2"), "{text}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (words, reason) in [
        (&["--engines=lsm,oracle", "--benchmarks=fillseq"][..], "`oracle` is no engine"),
        (&["--benchmarks=fillfast"][..], "`fillfast` is not a workload"),
        (&["--rounds=none", "--benchmarks=fillseq"][..], "not a number"),
        (&["tables"][..], "which files"),
        (&["--nmu=3", "--benchmarks=fillseq"][..], "--nmu"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{output:?}");
    }
}

#[test]
fn configurations_name_every_engine() {
    let output = run(&["configurations", "--write-buffer-size=1MiB", "--bloom_bits=12"]);
    assert!(output.status.success(), "{output:?}");
    let text = said(&output);
    for name in ["lsm", "rocksdb", "rocksdb-tuned", "leveldb", "lmdb", "sqlite", "fjall", "redb"] {
        assert!(text.contains(&format!("| {name} ")), "{name} in {text}");
    }
    assert!(text.contains("| bloomfilter:12:false "), "{text}");
    assert!(text.contains("| 1048576 "), "{text}");
}
