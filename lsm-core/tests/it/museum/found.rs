//! Every planted bug is found by each lane that the table names, in little time; without a bug
//! these lanes find nothing.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use lsm_core::base::planted::Bug;

use crate::museum::candidates;
use crate::museum::lanes::run;
use crate::museum::processor::timed;
use crate::museum::table::Table;

/// So much of a thread's time a lane may take to find a bug.
const LIMIT: Duration = Duration::from_secs(10);
/// No lane takes so long, even beside much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does this to each, two at a time; the answers in order.
fn each<T: Sync, R: Send>(all: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((at, it)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            all.get(at).map(|it| (at, it))
        } {
            done.push((at, act(it)));
        }
        done
    };
    let mut answers = std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.map(|worker| worker.join().unwrap()).into_iter().flatten().collect::<Vec<_>>()
    });
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Runs a lane on a thread of its own: with a bug it may go on for ever, and is left alone then.
fn run_apart(bug: Bug, lane: &str) -> (Option<String>, Duration) {
    let (sender, receiver) = mpsc::channel();
    let lane = lane.to_owned();
    std::thread::spawn(move || sender.send(timed(|| run(&lane, Some(bug)))));
    receiver.recv_timeout(PATIENCE).unwrap_or((None, PATIENCE))
}

/// What is wrong with a row: a lane finds nothing, or takes too long.
fn hunt(bug: Bug, lane: &str) -> (Option<String>, Duration) {
    let (found, took) = run_apart(bug, lane);
    let told = found.as_deref().unwrap_or("nothing");
    println!("{bug:?}: `{lane}` finds in {took:.1?}: {told:.200}");
    let line = format!("LSM_LANE='{bug:?} {lane}'");
    let complaint = match found {
        None => Some(format!("{line} does not find the bug")),
        Some(_) if took > LIMIT => Some(format!("{line} finds the bug after {took:.1?}")),
        Some(_) => None,
    };
    (complaint, took)
}

#[test]
fn every_planted_bug_is_found_in_seconds_by_the_lanes_that_the_table_names() {
    if std::env::var_os("REWRITE").is_some() {
        rewrite();
    }
    let table = Table::read();
    let rows: Vec<(Bug, String)> = (Bug::ALL.iter())
        .flat_map(|bug| table.lanes(*bug).into_iter().map(move |lane| (*bug, lane)))
        .collect();
    let without: Vec<_> = Bug::ALL.iter().filter(|bug| table.lanes(**bug).is_empty()).collect();
    let hunts = each(&rows, |(bug, lane)| hunt(*bug, lane));
    let lanes: Vec<&str> =
        rows.iter().map(|(_, lane)| lane.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let silent = each(&lanes, |lane| {
        let (found, took) = timed(|| run(lane, None));
        println!("no bug: `{lane}` ends in {took:.1?}");
        let line = format!("LSM_LANE='none {lane}' finds a bug where there is none");
        (found.map(|why| format!("{line}: {why:.500}")), took)
    });
    let took: Duration = hunts.iter().chain(&silent).map(|(_, took)| *took).sum();
    println!("{} bugs, {} lanes: {took:.1?} in all", Bug::ALL.len(), lanes.len());
    let wrong: Vec<String> = hunts.into_iter().chain(silent).filter_map(|(why, _)| why).collect();
    assert!(without.is_empty(), "no lane finds {without:?}: `REWRITE=1` looks for some");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Forgets lanes that do not find their bug any more. For each bug that none is left for one is
/// looked for, and written down.
fn rewrite() {
    let mut table = Table::read();
    let found = each(Bug::ALL, |bug| {
        let finds = |lane: &String| hunt(*bug, lane).0.is_none();
        let mut lanes = table.lanes(*bug);
        lanes.retain(finds);
        if lanes.is_empty() {
            lanes.extend(candidates::all().find(finds));
            println!("{bug:?}: {}", lanes.first().map_or("no lane finds it", String::as_str));
        }
        lanes
    });
    Bug::ALL.iter().zip(found).for_each(|(bug, lanes)| table.set(*bug, &lanes));
    table.write();
}

/// Runs the one lane that a failure printed.
#[test]
fn replay_one_lane() {
    let Ok(line) = std::env::var("LSM_LANE") else { return };
    let (name, lane) = line.split_once(' ').unwrap();
    let bug = Bug::ALL.iter().copied().find(|bug| format!("{bug:?}") == name);
    let (found, took) = timed(|| run(lane, bug));
    println!("{bug:?}: {} in {took:.1?}", found.as_deref().unwrap_or("nothing"));
    assert_eq!(found.is_some(), bug.is_some());
}

/// The test-only build has the names of the bugs. That the library that ships has none of them is a
/// test of the C library.
#[test]
fn the_names_of_the_bugs_are_in_this_program() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let program = String::from_utf8_lossy(&program);
    let missing: Vec<_> =
        Bug::ALL.iter().filter(|bug| !program.contains(&format!("{bug:?}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
