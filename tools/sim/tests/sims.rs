//! Lives from seeds: some with every `make test`, many with `make prove`, and every script that
//! has ever failed.

#![cfg(all(lsm_sim, lsm_planted))]
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read their scripts and say what they did"
)]

use std::path::Path;
use std::time::Duration;

use lsm_sim::acts::Script;
use lsm_sim::hunt::Hunt;
use lsm_sim::seed::live;

fn live_all(first: u64, count: u64, threads: u64) {
    let (budget, shrinking) = (Duration::from_secs(3600), Duration::from_secs(60));
    let caught = Hunt { first, count, budget, threads, bug: None, shrinking }.run(&|_, _| ());
    if let Some(failure) = caught.failure {
        panic!("make sim REPLAY='{}': {}", failure.script, failure.why);
    }
    println!("simulation: {}", caught.tally.page());
    caught.tally.check().unwrap();
    assert_eq!(caught.tally.twice, count / 50, "lives that were lived twice");
}

#[test]
fn some_seeds_live_well() {
    live_all(1, 300, 2);
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_many_seeds_live_well() {
    live_all(1001, 2000, 2);
}

#[test]
fn what_has_failed_once_fails_no_more() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.starts_with("seed=")) {
            let script: Script = line.parse().unwrap();
            if let Err(why) = live(&script) {
                panic!("{}: make sim REPLAY='{line}': {why}", path.display());
            }
        }
    }
}

#[test]
fn a_script_is_read_back_from_its_text() {
    let script = Script::write(7);
    assert_eq!(script.to_string().parse::<Script>().unwrap(), script);
}
