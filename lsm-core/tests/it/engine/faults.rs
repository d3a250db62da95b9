//! Every operation that the engine asks of the disk fails, in every way, once or from then on.

use lsm_core::env::sim::faults::Fault;

use crate::engine::crash::CURATED;
use crate::harness::asked::one_of;
use crate::harness::crash::listed;
use crate::harness::engine::subject::Setup;
use crate::harness::faults::{Trial, fill, prove, replay};
use crate::harness::scripted::Scripted;

/// Scripts whose faults say something about flush, compaction and memory that is full.
pub const CHOSEN: &[&str] = &[
    "PFPFC", "MMC", "MMMI", "KBFQ", "LP", "LFC", "PFRFC", "VFP", "PTFEFUC", "MFMFMFI", "DVFXD",
    "MMOM", "KLQC", "PFXC", "VMVMO",
];

/// All setups at once.
fn prove_all(name: &str, scripts: &[String], stride: usize) {
    std::thread::scope(|scope| {
        for setup in Setup::ALL {
            scope.spawn(move || prove(name, setup, scripts, stride));
        }
    });
}

#[test]
fn engine_faults_break_no_promise() {
    prove_all("engine faults", &listed(CHOSEN), 7);
}

#[test]
fn faults_beside_large_values_break_no_promise() {
    prove_all(
        "engine faults, large values",
        &listed(&["WGFC", "NWFEFCO", "WFWFWFRFCI", "WXG", "NOW"]),
        5,
    );
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_of_one_letter() {
    let letters: Vec<String> = Setup::VERBS.chars().map(String::from).collect();
    prove_all("engine faults, one letter", &letters, 1);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_of_chosen_scripts() {
    prove_all("engine faults, chosen", &listed(CHOSEN), one_of(3));
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_faults_in_all_curated_scripts() {
    prove_all("engine faults, curated", &listed(CURATED), one_of(23));
}

/// A flush reads back what it wrote. When that fails, what no log holds is lost by closing, and the
/// close has to say so.
#[test]
fn closing_fails_when_what_is_volatile_was_not_flushed() {
    for setup in Setup::ALL {
        let mut trial = Trial::new(setup);
        for nth in 1..=8 {
            let fault: Fault = format!("read()#{nth}:eio").parse().unwrap();
            if let Err(why) = trial.once("VMVMO", &fault) {
                panic!("{}: {why}", setup.replay_line("VMVMO", &format!(" fault={fault}")));
            }
        }
        assert!(trial.tally.surfaced > 0, "no flush read anything back");
    }
}

/// The sync of the directory for one table fails while others are being made, whose names it takes
/// along.
#[test]
fn a_failed_sync_of_the_directory_costs_no_other_table() {
    for setup in Setup::ALL {
        let mut trial = Trial::new(setup);
        for nth in 1..=16 {
            let fault = format!("sync_dir(db)#{nth}:eio-keep").parse::<Fault>().unwrap();
            if let Err(why) = trial.once("MMMI", &fault) {
                panic!("{nth}: {why}");
            }
        }
    }
}

/// A disk that is full at some operation, and has space again later, needs no mending.
#[test]
fn a_full_disk_heals_by_itself_in_the_engine() {
    let scripts = ["PFPFC", "MMMI", "LPF", "KBFQ", "VFP", "MMOM"];
    Setup::ALL.into_iter().for_each(|setup| fill(setup, &scripts));
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_engine_fault() {
    replay::<Setup>();
}
