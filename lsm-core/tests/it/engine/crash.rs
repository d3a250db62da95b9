//! A crash of the whole engine at every operation of scripts of one letter and of chosen ones, in
//! every way, and again during the recovery; at samples of the operations of longer ones.

use std::time::{Duration, Instant};

use crate::harness::asked::one_of;
use crate::harness::crash::{
    Depth, SHALLOW, Tally, enumerate, listed, replay, run_to_last_verb, scripts,
};
use crate::harness::engine::subject::Setup;
use crate::harness::images::{Crash, Subject};
use crate::harness::scripted::{ScriptRun, Scripted};

/// Scripts with a turn of their own: what takes more letters than an enumeration has.
pub const CURATED: &[&str] = &[
    "",
    "PPFC",
    "PFPFC",
    "MMC",
    "MMMMC",
    "PFEFC",
    "PFRFC",
    "PFTEFC",
    "PTFEFUC",
    "MTMCUC",
    "KBFC",
    "KBFQ",
    "KBFQC",
    "KBFQKB",
    "KLQI",
    "KBKBFQFC",
    "VVF",
    "VPF",
    "VPX",
    "PVDX",
    "VFVX",
    "VMX",
    "VMPX",
    "VO",
    "VMVMO",
    "LX",
    "LLX",
    "LFX",
    "LCX",
    "PLX",
    "VLX",
    "KLX",
    "PLVX",
    "MX",
    "MMX",
    "MMXM",
    "MPXPX",
    "MFXMF",
    "BFBFC",
    "BRBFC",
    "BFXBF",
    "RFPF",
    "PFRX",
    "PFRO",
    "PFRMC",
    "DVPDX",
    "VDVDX",
    "MIMI",
    "MMMI",
    "MMIX",
    "MMIC",
    "FPFPFPI",
    "PFPFPFPFI",
    "PFPFPFPFPFIC",
    "MFMFMFMFI",
    "KBFBFBFI",
    "KBFTBFBFIUC",
    "OPOPF",
    "XPXPF",
    "PXFX",
    "PXCX",
    "LXLXC",
    "MMOC",
    "MMCOC",
    "PFXC",
    "KXQX",
    "KBXQO",
    "PFCPFC",
    "PFCRFC",
    "MCMC",
    "MCRC",
    "PSFX",
    "VSFX",
    "VSX",
    "VDX",
    "VKX",
    "VQX",
    "KVQX",
    "KBVQX",
    "TMMC",
    "TMCX",
    "TPFEFCX",
    "KAX",
    "KAFAX",
    "KAFAFCX",
    "KBAFAXC",
    "KAFBAFCO",
    "KAVAMX",
    "KAAAAAAX",
    "HFHFJX",
    "HTHFJUJ",
    "HHFJCO",
    "HFHJHFJX",
];

/// The same with large values.
pub const LARGE: &[&str] = &[
    "WX",
    "WWXX",
    "GWX",
    "GEFX",
    "WFC",
    "WFEFC",
    "WPFWFCI",
    "WFWFWFCI",
    "WFWFWFWFWFWFCX",
    "NFX",
    "NO",
    "NWX",
    "WO",
    "WOWO",
    "WRFC",
    "WRFCI",
    "GFXWFX",
    "TWFEFCUC",
    "WFXEFCX",
    "WFWFWFWFWFRFCI",
    "KWBFQFC",
    "WSPX",
    "WPSX",
    "PWPX",
    "KKBAX",
    "KKBFAFCX",
    "KKBAFXAC",
    "KKBFABFCO",
    "KKBTAFCUCQ",
];

/// Splits the scripts over the processors and the setups.
fn enumerate_all(name: &str, scripts: &[String], depth: Depth) {
    let begun = Instant::now();
    let tallies: Vec<(Setup, Tally)> = std::thread::scope(|scope| {
        let work = |setup| scope.spawn(move || (setup, enumerate(setup, scripts, depth)));
        let workers: Vec<_> = Setup::ALL.into_iter().map(work).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    for (setup, tally) in &tallies {
        let each = seconds * 1000.0 / tally.distinct.max(1) as f64;
        tally.report(&format!("{name}, {} ({each:.2} ms for each different one)", setup.name()));
    }
}

/// A million images are only tried if each costs little.
#[test]
fn opening_and_checking_a_tiny_database_is_cheap() {
    for setup in Setup::ALL {
        for script in ["PPP", "PFPFP", "KBFBMB"] {
            let (run, _) = run_to_last_verb(setup, script);
            let moment = run.disk().moment();
            let once = || {
                let image = Crash::Kill.image(&moment);
                let begun = Instant::now();
                setup.peek(&image, 5).unwrap();
                begun.elapsed()
            };
            let mut times: Vec<Duration> = (0..100).map(|_| once()).collect();
            times.sort_unstable();
            // The quickest was interrupted by nobody.
            println!("{}, {script}: an opening and a check take {:?}", setup.name(), times[0]);
            assert!(times[0] < Duration::from_millis(5), "{:?}", times[0]);
        }
    }
}

#[test]
fn every_script_of_one_letter_survives_every_crash() {
    let depth = Depth { nested_seeds: 1, ..SHALLOW };
    enumerate_all("engine, one letter", &scripts(Setup::VERBS, 1), depth);
}

#[test]
fn chosen_scripts_survive_every_crash() {
    enumerate_all("engine, chosen scripts", &listed(CURATED), SHALLOW);
}

#[test]
fn scripts_with_large_values_survive_every_crash() {
    enumerate_all("engine, large values", &listed(LARGE), SHALLOW);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_every_script_of_two_letters_survives_every_crash() {
    enumerate_all(
        "engine, two letters",
        &scripts(Setup::VERBS, 2),
        Depth { seeds: 2, nested_seeds: 1, stride: one_of(5), ..SHALLOW },
    );
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_chosen_scripts_survive_every_crash_and_every_second_one() {
    let depth = Depth { seeds: 2, nested_seeds: 1, stride: one_of(8), ..SHALLOW };
    enumerate_all("engine, chosen scripts", &listed(CURATED), depth);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_scripts_of_three_letters_survive_crashes() {
    let long =
        scripts(Setup::VERBS, 3).into_iter().filter(|script| script.len() == 3).collect::<Vec<_>>();
    enumerate_all("engine, three letters", &long, Depth { stride: one_of(12), ..SHALLOW });
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_engine_case() {
    replay::<Setup>();
}
