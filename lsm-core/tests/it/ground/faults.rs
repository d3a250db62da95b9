//! Faults: every operation of every script fails in every way, once or from then on.

use lsm_core::base::error::ErrorKind;
use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::OpKind;

use crate::harness::asked::number;
use crate::harness::crash::listed;
use crate::harness::faults::{Trial, check_run, fill, prove, replay};
use crate::harness::ground::script::Run;
use crate::harness::ground::subject::{Ground, peek};
use crate::harness::images::{Crash, caught};
use crate::harness::scripted::{ScriptRun, Scripted};

const LETTERS: &str = "BDSRKTFCXI";
/// Longer scripts, each with a turn of its own.
pub const CURATED: &[&str] = &[
    "LXC", "BBSB", "DRDB", "BRBS", "BRBRS", "LLSB", "LSLC", "KBTS", "BKRKC", "DTDT", "BTXB",
    "BICB", "BIBI", "DIXD", "RBRBS", "BSRBSC", "VBVD", "VCVB", "LRLTS", "BKXKS", "CBCB", "XBXB",
    "DCDX", "BRBTSX", "LLLLS", "TTTT", "KKCK", "BDBDRS", "IBIC", "LILS", "DLDLC", "BRRRB",
    "SBRXIC", "FF", "FCFC", "BFXF", "FTFB", "VFXF", "FRFIC", "KFXKF", "LFLFX",
];

pub fn letters(length: usize) -> Vec<String> {
    let longer = |scripts: Vec<String>| -> Vec<String> {
        scripts.iter().flat_map(|s| LETTERS.chars().map(move |verb| format!("{s}{verb}"))).collect()
    };
    (0..length).fold(vec![String::new()], |scripts, _| longer(scripts))
}

/// `LSM_LETTERS=3` tells longer stories than the proof has time for.
fn all_scripts() -> Vec<String> {
    let length = number("LSM_LETTERS").unwrap_or(2);
    letters(length as usize).into_iter().chain(listed(CURATED)).collect()
}

#[test]
fn faults_break_no_promise() {
    let scripts: Vec<String> = letters(1).into_iter().chain(listed(&CURATED[..6])).collect();
    Ground::ALL.into_iter().for_each(|ground| prove("faults", ground, &scripts, 1));
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_written() {
    prove("faults", Ground::WRITTEN, &all_scripts(), 1);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_mapped() {
    prove("faults", Ground::MAPPED, &all_scripts(), 1);
}

/// An allocation that fails before the first segment can be used leaves one that is never begun.
#[test]
fn a_first_segment_that_is_never_begun_is_passed_over() {
    for ground in Ground::ALL {
        let mut trial = Trial::new(ground);
        let fault = Fault::new(&[OpKind::Allocate], "", Effect::Error(libc::ENOSPC));
        trial.once("BC", &fault).unwrap();
        assert_eq!(trial.tally.surfaced, 1);
    }
}

/// A disk that is full at some operation, and has space again later, needs no mending.
#[test]
fn a_full_disk_heals_by_itself() {
    let scripts = ["BRBS", "LLL", "KCK", "BTXB", "DRDRD"];
    Ground::ALL.into_iter().for_each(|ground| fill(ground, &scripts));
}

/// A disk whose syncs lie from some sync on: what is there after the power cut is a prefix, or
/// damage that is told.
fn lie(ground: Ground, script: &str, counts: &mut (u64, u64)) -> Result<(), String> {
    for k in 1..200 {
        let disk = SimDisk::new();
        disk.record_trace(true);
        disk.lie_from_sync(k);
        let run = Run::all(ground, disk.clone(), script);
        check_run(&run)?;
        for policy in [CrashPolicy::SyncedOnly, CrashPolicy::ReorderSectors] {
            for seed in 0..3 {
                let image = Crash::Power(policy, seed).image(&disk.moment());
                let at = format!("lie from sync {k}, {policy}:{seed}");
                judge_liar(ground, &run, &image, counts).map_err(|why| format!("{at}: {why}"))?;
            }
        }
        if disk.trace().iter().filter(|op| op.kind.is_sync()).count() < k as usize {
            break;
        }
    }
    Ok(())
}

fn judge_liar(
    ground: Ground,
    run: &Run,
    image: &SimDisk,
    counts: &mut (u64, u64),
) -> Result<(), String> {
    match caught(|| peek(image, ground.mode, 9001))? {
        Ok(recovered) => {
            counts.0 += 1;
            run.history.check_unsynced(&recovered)
        }
        Err(error) if error.kind() == ErrorKind::Corruption => {
            counts.1 += 1;
            Ok(())
        }
        Err(error) => Err(format!("{error:?}")),
    }
}

#[test]
fn lying_syncs_never_make_a_hole() {
    let mut counts = (0, 0);
    for ground in Ground::ALL {
        for script in letters(2).iter().map(String::as_str).chain(CURATED.iter().copied()) {
            if let Err(why) = lie(ground, script, &mut counts) {
                panic!("{ground:?} {script}: {why}");
            }
        }
    }
    println!("lying syncs: {} images gave a prefix, {} were refused", counts.0, counts.1);
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_fault() {
    replay::<Ground>();
}
