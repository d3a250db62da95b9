//! The program as a user starts it: every workload, what it writes, and how it ends.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that starts programs and may fail"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lsm_bench::place::Place;
use lsm_bench::workload::table::{ALL, Job};
use serde_json::Value;

fn run(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lsm-bench")).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs it, expects it to end well, and reads what it has written.
fn measured(place: &Place, words: &[&str]) -> Vec<Value> {
    let json = place.base().join("out.jsonl");
    let _none_yet = fs::remove_file(&json);
    let json_flag = format!("--json={}", json.display());
    let output = run(&[words, &[json_flag.as_str()]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    lines_of(&json)
}

fn lines_of(json: &Path) -> Vec<Value> {
    let text = fs::read_to_string(json).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every workload: fills stand before what reads, and what empties the store comes last.
fn every_workload() -> Vec<&'static str> {
    let mut names: Vec<&str> = ALL.iter().map(|workload| workload.name).collect();
    let late = ["deleteseq", "deleterandom", "queue"];
    names.retain(|name| !late.contains(name) && !["fill100K", "fillsync"].contains(name));
    [&["fill100K", "fillsync"], names.as_slice(), &["deleterandom", "deleteseq", "queue"]].concat()
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {value}"))
}

fn check(outcome: &Value, engine: &str) {
    let name = outcome["workload"].as_str().unwrap();
    assert_eq!(outcome["engine"], engine);
    assert_eq!(outcome["schema"], 1);
    assert_eq!(outcome["settings"]["num"], 2000);
    assert!(number(outcome, "/machine/cores") >= 1.0);
    assert!(number(outcome, "/work/operations") >= 1.0, "{name}");
    assert!(number(outcome, "/work/seconds") > 0.0, "{name}");
    assert!(number(outcome, "/memory/peak_bytes") > 1e6, "{name}");
    assert!(outcome["date"].as_str().unwrap().starts_with("20"), "{name}");
    let is_timed = !["readseq", "readreverse", "compact", "waitforcompaction", "openafterkill"]
        .contains(&name);
    assert_eq!(outcome["latency"].is_object(), is_timed, "{name}");
    if is_timed {
        assert!(number(outcome, "/latency/p50") <= number(outcome, "/latency/p999"), "{name}");
        assert!(number(outcome, "/latency/p999") <= number(outcome, "/latency/max"), "{name}");
    }
    let is_writing = ALL.iter().any(|workload| {
        workload.name == name && matches!(workload.job, Job::Crew(crew) if crew.is_writing)
    });
    assert_eq!(outcome["settled"].is_object(), is_writing, "{name}");
    // The writer beside readers may come too late to write anything.
    assert!(!is_writing || outcome["beside"].is_object() || number(outcome, "/work/written") > 0.0);
    if engine == "lsm" && is_writing && outcome["beside"].is_null() {
        assert!(number(outcome, "/usage/write_bytes") > 0.0, "{name}");
    }
    if engine == "lsm" {
        assert!(number(outcome, "/space_bytes") > 0.0, "{name}");
    }
}

fn every_workload_on(engine: &str) {
    let place = Place::temporary().unwrap();
    let names = every_workload();
    assert_eq!(names.len(), ALL.len());
    let benchmarks = format!("--benchmarks={}", names.join(","));
    let engine_flag = format!("--engine={engine}");
    let words = [benchmarks.as_str(), "--num=2000", engine_flag.as_str(), "--log_mb=1"];
    let outcomes = measured(&place, &words);
    outcomes.iter().for_each(|outcome| check(outcome, engine));
    let measured: Vec<&str> =
        outcomes.iter().filter_map(|outcome| outcome["workload"].as_str()).collect();
    let is_silent = |name: &&&str| *name != &"stats";
    assert_eq!(measured, names.iter().filter(is_silent).copied().collect::<Vec<_>>());
    let operations = |name: &str| {
        let at = measured.iter().position(|other| *other == name).unwrap();
        number(&outcomes[at], "/work/operations")
    };
    for workload in ALL.iter().filter(|workload| matches!(workload.job, Job::Crew(_))) {
        let wanted = if ["fill100K", "fillsync"].contains(&workload.name) { 2.0 } else { 2000.0 };
        assert_eq!(operations(workload.name), wanted, "{}", workload.name);
    }
}

#[test]
fn every_workload_runs_on_this_engine() {
    every_workload_on("lsm");
}

#[test]
fn every_workload_runs_on_nothing() {
    every_workload_on("nothing");
}

#[test]
fn threads_share_a_store() {
    let place = Place::temporary().unwrap();
    let names = "fillrandom,readrandom,ycsba,ycsbd,ycsbe,readwhilewriting,seekrandom,queue";
    let words =
        ["--benchmarks", names, "--num=1000", "--threads=3", "--engine=lsm,nothing", "--settle=0"];
    let outcomes = measured(&place, &words);
    assert_eq!(outcomes.len(), 16);
    for outcome in outcomes {
        assert_eq!(number(&outcome, "/work/operations"), 3000.0);
        assert!(outcome["settled"].is_null());
        let is_beside = outcome["workload"] == "readwhilewriting";
        assert_eq!(outcome["beside"].is_object(), is_beside);
    }
}

#[test]
fn a_page_is_made_of_what_was_written() {
    let place = Place::temporary().unwrap();
    let words = ["--benchmarks=fillseq,readrandom", "--num=200", "--engine=lsm,nothing"];
    measured(&place, &words);
    let [json, page] = ["out.jsonl", "page.html"].map(|name| place.base().join(name));
    let [json, page] = [json, page].map(|path| path.display().to_string());
    let output = run(&["report", &json, &json, "-o", &page, "--baseline=nothing"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("<td>fillseq</td>") && html.contains("<td>readrandom</td>"));
    assert_eq!(html.matches("<svg").count(), 4);
    let wrong: [(&[&str], i32); 4] = [
        (&["report", &json], 2),
        (&["report", "/nowhere.jsonl", "-o", &page], 1),
        (&["report", &page, "-o", &page], 1),
        (&["report", &json, "-o", &page, "--baseline=paper"], 1),
    ];
    for (words, code) in wrong {
        let output = run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_duration_ends_what_would_go_on() {
    let place = Place::temporary().unwrap();
    let names = "--benchmarks=fillseq,readrandom,readseq,overwrite";
    let words = [names, "--num=500", "--duration=0.2", "--engine=nothing", "--histogram=false"];
    let outcomes = measured(&place, &words);
    assert_eq!(number(&outcomes[0], "/work/operations"), 500.0);
    for outcome in &outcomes[1..] {
        assert!(number(outcome, "/work/operations") > 1000.0);
        let seconds = number(outcome, "/work/seconds");
        assert!((0.2..5.0).contains(&seconds), "{seconds}");
        assert!(outcome["latency"].is_null());
    }
}

#[test]
fn a_rate_slows_down() {
    let place = Place::temporary().unwrap();
    let words = ["--benchmarks=fillseq", "--num=100", "--rate=1000", "--engine=nothing"];
    let outcomes = measured(&place, &words);
    assert!(number(&outcomes[0], "/work/seconds") >= 0.09);
}

#[test]
fn a_store_that_stays_is_used_again() {
    let place = Place::temporary().unwrap();
    let db = place.base().join("db");
    let db = format!("--db={}", db.display());
    let again = ["--num=300", "--engine=lsm", db.as_str(), "--use-existing-db"];
    measured(&place, &["--benchmarks=fillrandom", "--num=300", "--engine=lsm", &db]);
    let read = measured(&place, &[&["--benchmarks=readrandom,deleteseq"], &again[..]].concat());
    assert_eq!(number(&read[0], "/work/found"), 300.0);
    // Nothing is left to read, and the next run knows.
    let words = [&["--benchmarks=readrandom"], &again[..]].concat();
    let output = run(&words);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("put a fill first"), "{}", text(&output.stderr));
    // It is another kind of store, so it is not opened.
    let output = run(&["--benchmarks=readseq", "--engine=nothing", &db, "--use_existing_db"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("a store of lsm"), "{}", text(&output.stderr));
}

#[test]
fn damage_is_a_failure() {
    let place = Place::temporary().unwrap();
    let base = place.base().join("db");
    let db = format!("--db={}", base.display());
    measured(&place, &["--benchmarks=fillseq,compact", "--num=2000", "--engine=lsm", &db]);
    for table in tables(&base.join("store")) {
        let mut bytes = fs::read(&table).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle..middle + 100].iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(&table, bytes).unwrap();
    }
    let output = run(&["--benchmarks=readseq", "--num=2000", &db, "--use_existing_db"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn a_wrong_answer_is_found() {
    let place = Place::temporary().unwrap();
    let base = place.base().join("db");
    let db = format!("--db={}", base.display());
    measured(&place, &["--benchmarks=fillseq", "--num=2000", "--engine=lsm", &db]);
    // The store has lost a key that was there, for all that anybody knows.
    let state = base.join("lsm-bench.state");
    let known = fs::read_to_string(&state).unwrap();
    for name in ["readseq", "readreverse", "readrandom", "multireadrandom"] {
        let benchmarks = format!("--benchmarks={name}");
        let words = [benchmarks.as_str(), "--num=20000", &db, "--use_existing_db"];
        fs::write(&state, known.replace("0 1999", "0 2000").replace(" 2000\n", " 2001\n")).unwrap();
        let output = run(&words);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", text(&output.stdout));
        assert!(text(&output.stderr).contains("WRONG ANSWER"), "{name}: {}", text(&output.stderr));
    }
}

fn tables(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "sst")).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn an_interruption_ends_it_and_leaves_nothing_behind() {
    let place = Place::temporary().unwrap();
    let words = ["--benchmarks=fillseq,readrandom", "--num=100", "--duration=600"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_lsm-bench"))
        .args(words)
        .arg("--stats_interval_seconds=0.05")
        .env("TMPDIR", place.base())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once it tells how far it is with reading, it reads, and would go on for long.
    let told = BufReader::new(child.stderr.take().unwrap());
    let mut told = told.lines().map(Result::unwrap);
    assert!(told.any(|line| line.starts_with("readrandom: 0 %, ")));
    assert_eq!(fs::read_dir(place.base()).unwrap().count(), 1);
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(place.base()).unwrap().count(), 0);
}

#[test]
fn what_is_not_there_is_refused() {
    let cases: [(&[&str], &str); 7] = [
        (&["--benchmarks=fillsec"], "`fillsec` is not a workload"),
        (&["--benchmarks=fillseq", "--numb=3"], "--numb"),
        (&["--benchmarks=fillseq", "--num=x"], "--num"),
        (&["--benchmarks=fillseq", "--engine=paper"], "`paper` is no engine"),
        (&["--benchmarks=fillseq", "--use_existing_db"], "--db=DIR"),
        (&["fillseq"], "fillseq"),
        (&[], "--benchmarks"),
    ];
    for (words, wanted) in cases {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(text(&output.stderr).contains(wanted), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_written_is_noticed_before_anything_is_run() {
    let output = run(&["--benchmarks=fillseq", "--num=100", "--json=/nowhere/out.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nowhere/out.jsonl"));
    assert!(output.stdout.is_empty());
}

#[test]
fn nobody_has_to_listen() {
    let script =
        "\"$0\" --benchmarks=fillseq,readseq,stats --num=100 | true; echo ${PIPESTATUS[0]}";
    let program = env!("CARGO_BIN_EXE_lsm-bench");
    let output = Command::new("bash").args(["-c", script, program]).output().unwrap();
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
    assert!(["0", "1"].contains(&text(&output.stdout).trim()), "{}", text(&output.stdout));
}

#[test]
fn help_names_every_workload() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    assert!(ALL.iter().all(|workload| help.contains(workload.name)));
}

#[test]
fn the_readme_names_every_workload_and_flag() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for workload in ALL {
        assert!(readme.contains(&format!("`{}`", workload.name)), "{}", workload.name);
    }
    let help = text(&run(&["-h"]).stdout);
    let flags = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    for flag in flags.map(|flag| flag.split(|letter| !is_name(letter)).next().unwrap()) {
        assert!(flag.is_empty() || readme.contains(&format!("--{flag}")), "--{flag}");
    }
}
