//! Strategies of the program's own: a good one has its way, a wrong one harms nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::strategy::{
    Answer, Busy, Context, Debt, Input, Place, Plan, PlanKind, Reason, Request, Slice, SliceMeta,
    Strategy, TableFile, TableMeta, Tree, plan_to,
};
use lsm_core::{Db, ErrorKind, Event, Keyspace, KeyspaceOptions, Options, Result};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::subject::kill;
use crate::harness::images::Crash;

const BOTTOM: Place = Place { level: 6, run: 0 };

/// Keeps everything in one run, and counts its plans.
#[derive(Debug, Default)]
struct OneRun(Arc<AtomicU64>);

impl Strategy for OneRun {
    fn name(&self) -> &str {
        "one-run"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        if tree.runs.len() < 2 {
            return None;
        }
        let all: Vec<Input> = tree.runs.iter().map(Input::whole).collect();
        let plan = plan_to(tree, context, &all, BOTTOM, Reason::Other)?;
        let is_free = busy.allows(&plan);
        self.0.fetch_add(u64::from(is_free), Ordering::Relaxed);
        is_free.then_some(plan)
    }

    fn debt(&self, tree: &Tree, _: &Context) -> Debt {
        Debt { bytes: 0, runs_over: tree.runs.len().saturating_sub(8) as u64 }
    }
}

fn options() -> Options {
    Options::new().memory_limit(16 << 20).memtable_bytes(64 << 10).sync_interval(None)
}

fn chosen(name: &str) -> KeyspaceOptions {
    KeyspaceOptions::new().strategy(lsm_core::Strategy::user(name))
}

fn open(disk: &SimDisk, strategy: impl Strategy) -> (SimWorld, Result<Db>) {
    let world = SimWorld::from_disk(disk.clone(), 5);
    let builder = Db::builder(PATH).options(options()).env(world.env());
    let opened = builder.strategy(strategy).open();
    (world, opened)
}

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Puts, deletes and range deletes of one round, in the keyspace and in the reference.
fn write(keyspace: &Keyspace, pairs: &mut Pairs, round: u32) {
    for at in 0..30 {
        let key = format!("{:03}", (at * 7 + round * 13) % 90);
        if (at + round) % 5 == 0 {
            keyspace.delete(&key).unwrap();
            pairs.remove(key.as_bytes());
        } else {
            let value = format!("{round}-{at}").repeat(20);
            keyspace.put(&key, &value).unwrap();
            pairs.insert(key.into_bytes(), value.into_bytes());
        }
    }
    let (from, to) = (format!("{:03}", round * 5 % 90), format!("{:03}", round * 5 % 90 + 4));
    keyspace.delete_range(from.as_str()..to.as_str()).unwrap();
    pairs.retain(|key, _| *key < from.clone().into_bytes() || *key >= to.clone().into_bytes());
}

fn check(keyspace: &Keyspace, pairs: &Pairs, when: &str) {
    let found: Pairs = keyspace
        .iter()
        .map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap())
        .collect();
    assert_eq!(found, *pairs, "{when}");
    for at in 0..95 {
        let key = format!("{at:03}").into_bytes();
        let value = keyspace.get(&key).unwrap().map(|value| value.to_vec());
        assert_eq!(value.as_ref(), pairs.get(&key), "{when}: {at}");
    }
}

fn runs(db: &Db, name: &str) -> u64 {
    db.stats().keyspace(name).unwrap().runs
}

#[test]
fn a_strategy_of_ones_own_merges_what_it_wants() {
    let disk = new_disk();
    let mut pairs = Pairs::new();
    let plans = Arc::new(AtomicU64::new(0));
    for life in 0..3 {
        let (_world, db) = open(&disk, OneRun(plans.clone()));
        let db = db.unwrap();
        let own = match life {
            0 => db.keyspace_with("own", chosen("one-run")).unwrap(),
            _ => db.keyspace("own").unwrap(),
        };
        assert_eq!(own.options(), chosen("one-run"), "it is stored with the keyspace");
        check(&own, &pairs, "opened");
        for round in 0..6 {
            write(&own, &mut pairs, life * 6 + round);
            db.put(format!("{round}"), "in the default keyspace").unwrap();
            db.flush().unwrap();
        }
        db.wait_idle().unwrap();
        check(&own, &pairs, "merged");
        assert_eq!(runs(&db, "own"), 1, "whatever it costs");
        own.compact(..).unwrap();
        check(&own, &pairs, "compacted");
        assert_eq!(db.stats().counter("strategies_failed"), Some(0));
        db.verify().unwrap();
        db.close().unwrap();
    }
    assert!(plans.load(Ordering::Relaxed) >= 6, "{plans:?}");
}

#[test]
fn a_keyspace_is_not_opened_without_its_strategy() {
    let disk = new_disk();
    let mut pairs = Pairs::new();
    let (world, db) = open(&disk, OneRun::default());
    let db = db.unwrap();
    let refused = db.keyspace_with("other", chosen("unheard-of")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert!(refused.to_string().contains("`unheard-of`"), "{refused}");
    assert_eq!(db.keyspace_names(), [""; 0]);
    write(&db.keyspace_with("own", chosen("one-run")).unwrap(), &mut pairs, 1);
    db.close().unwrap();
    drop(world);

    let world = SimWorld::from_disk(disk.clone(), 6);
    let refused = Db::builder(PATH).env(world.env()).open().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    let text = refused.to_string();
    assert!(text.contains("`own`") && text.contains("`one-run`"), "{text}");

    let reader = Db::builder(PATH).options(options().read_only(true)).env(world.env()).open();
    let reader = reader.unwrap();
    check(&reader.keyspace("own").unwrap(), &pairs, "nothing is merged: nobody is needed");
    reader.close().unwrap();

    let (_world, db) = open(&disk, OneRun::default());
    check(&db.unwrap().keyspace("own").unwrap(), &pairs, "nothing is lost, and it is not locked");
}

/// A strategy with another name.
#[derive(Debug)]
struct Named(&'static str);

impl Strategy for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn pick(&self, _: &Tree, _: &Busy, _: &Context) -> Option<Plan> {
        None
    }

    fn debt(&self, _: &Tree, _: &Context) -> Debt {
        Debt::default()
    }
}

#[test]
fn names_that_cannot_be_told_apart_or_written_down_are_refused() {
    let opened = |names: &[&'static str]| {
        let disk = new_disk();
        let world = SimWorld::from_disk(disk.clone(), 6);
        let builder = Db::builder(PATH).env(world.env());
        let opened = names.iter().fold(builder, |it, name| it.strategy(Named(name))).open();
        let kind = opened.map(drop).map_err(|error| error.kind());
        assert_eq!(disk.paths().is_empty(), kind.is_err(), "{names:?}");
        kind
    };
    assert_eq!(opened(&["a", "A", "a.b-c_9"]), Ok(()));
    for names in [&["a", "b", "a"][..], &[""], &["two words"], &["a;b"], &["a:b"], &["caf\u{e9}"]] {
        assert_eq!(opened(names), Err(ErrorKind::InvalidArgument), "{names:?}");
    }
}

/// What can be wrong with a strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    PanicsInPick,
    PanicsInDebt,
    PanicsInCompact,
    ThrowsABomb,
    WaitsForNobody,
    GoesInCircles,
    TakesNothing,
    TakesTwice,
    TakesWhatIsNotThere,
    TakesAForgedFile,
    ForgesSpans,
    PassesOlderData,
    PutsOldDataOnTop,
    LeavesTheTree,
    CallsItTheBottom,
    MovesOverlapping,
    GivesUpData,
    TakesFromElsewhere,
}

const WRONGS: [Wrong; 18] = [
    Wrong::PanicsInPick,
    Wrong::PanicsInDebt,
    Wrong::PanicsInCompact,
    Wrong::ThrowsABomb,
    Wrong::WaitsForNobody,
    Wrong::GoesInCircles,
    Wrong::TakesNothing,
    Wrong::TakesTwice,
    Wrong::TakesWhatIsNotThere,
    Wrong::TakesAForgedFile,
    Wrong::ForgesSpans,
    Wrong::PassesOlderData,
    Wrong::PutsOldDataOnTop,
    Wrong::LeavesTheTree,
    Wrong::CallsItTheBottom,
    Wrong::MovesOverlapping,
    Wrong::GivesUpData,
    Wrong::TakesFromElsewhere,
];

/// Its drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb goes off");
    }
}

fn whole(tree: &Tree, from: usize, to: usize) -> Vec<Input> {
    tree.runs[from..to].iter().map(Input::whole).collect()
}

/// The newest run, its slices changed.
fn forged(tree: &Tree, change: impl Fn(&Slice) -> (SliceMeta, TableMeta)) -> Vec<Input> {
    let mut inputs = whole(tree, 0, 1);
    for slice in &mut inputs[0].slices {
        let (meta, file) = change(slice);
        *slice = Arc::new(Slice { meta, file: TableFile::new(file) });
    }
    inputs
}

impl Wrong {
    fn inputs(self, tree: &Tree) -> Vec<Input> {
        let last = tree.runs.len();
        match self {
            Self::TakesNothing => Vec::new(),
            Self::TakesTwice => [whole(tree, 0, 1), whole(tree, 0, 1)].concat(),
            Self::TakesWhatIsNotThere => {
                let mut inputs = whole(tree, 0, 1);
                inputs[0].run += 1;
                inputs
            }
            Self::TakesAForgedFile => forged(tree, |slice| {
                let meta = slice.file.meta.clone();
                (slice.meta.clone(), TableMeta { number: meta.number + 1000, ..meta })
            }),
            Self::ForgesSpans => forged(tree, |slice| {
                let smallest = slice.meta.smallest.clone();
                let meta = SliceMeta { largest: smallest, ..slice.meta.clone() };
                (meta, slice.file.meta.clone())
            }),
            Self::PutsOldDataOnTop => whole(tree, last - 1, last),
            Self::CallsItTheBottom => whole(tree, 0, 2),
            Self::MovesOverlapping | Self::GoesInCircles => whole(tree, 0, last),
            _ => whole(tree, 0, 1),
        }
    }

    fn plan(self, tree: &Tree) -> Option<Plan> {
        // What is wrong with most of them shows in a tree of several runs.
        if tree.runs.len() < 3 && self != Self::GoesInCircles {
            return None;
        }
        let newest = tree.runs.first().map(Place::of)?;
        let second = tree.runs.get(1).map_or(BOTTOM, Place::of);
        let (kind, output) = match self {
            Self::MovesOverlapping => (PlanKind::Move, BOTTOM),
            Self::GivesUpData => (PlanKind::Drop, newest),
            Self::PutsOldDataOnTop => (PlanKind::Merge, Place { level: 0, run: newest.run + 1000 }),
            Self::CallsItTheBottom => (PlanKind::Merge, second),
            Self::LeavesTheTree => (PlanKind::Merge, Place { level: 200, run: 0 }),
            _ => (PlanKind::Merge, BOTTOM),
        };
        let mut plan = Plan::new(tree, kind, self.inputs(tree), output);
        plan.is_bottom |= self == Self::CallsItTheBottom;
        if self == Self::TakesFromElsewhere {
            plan.keyspace = lsm_core::key::keyspace::KeyspaceId::DEFAULT;
        }
        Some(plan)
    }
}

impl Strategy for Wrong {
    fn name(&self) -> &str {
        "wrong"
    }

    fn pick(&self, tree: &Tree, _: &Busy, _: &Context) -> Option<Plan> {
        match self {
            Self::PanicsInPick => panic!("in pick"),
            Self::ThrowsABomb => std::panic::panic_any(Bomb),
            Self::PanicsInDebt | Self::PanicsInCompact | Self::WaitsForNobody => None,
            _ => self.plan(tree),
        }
    }

    fn debt(&self, _: &Tree, _: &Context) -> Debt {
        assert_ne!(*self, Self::PanicsInDebt, "in debt");
        Debt { bytes: u64::MAX, runs_over: u64::MAX }
    }

    fn compact(&self, tree: &Tree, _: &Busy, _: &Context, _: &Request) -> Answer {
        match self {
            Self::PanicsInCompact => panic!("in compact"),
            Self::WaitsForNobody => Answer::Wait,
            _ => self.plan(tree).map_or(Answer::Done, Answer::Work),
        }
    }
}

#[test]
fn a_wrong_strategy_is_dismissed_and_harms_nothing() {
    for wrong in WRONGS {
        println!("{wrong:?}");
        let disk = new_disk();
        let world = SimWorld::from_disk(disk.clone(), 7);
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        let listener = move |event: &Event| {
            if let Event::StrategyFailed { keyspace, strategy, why, .. } = event {
                heard.lock().unwrap().push(format!("{keyspace} {strategy}: {why}"));
            }
        };
        let builder = Db::builder(PATH).options(options()).env(world.env());
        let db = builder.strategy(wrong).listener(listener).open().unwrap();
        let own = db.keyspace_with("own", chosen("wrong")).unwrap();
        let mut pairs = Pairs::new();
        for round in 0..10 {
            write(&own, &mut pairs, round);
            db.flush().unwrap();
            check(&own, &pairs, "flushed");
            if round == 7 {
                own.compact(..).unwrap();
                check(&own, &pairs, "compacted");
            }
        }
        db.wait_idle().unwrap();
        check(&own, &pairs, "idle");
        assert!(runs(&db, "own") < 5, "somebody else merges: {} runs", runs(&db, "own"));
        assert_eq!(db.stats().counter("strategies_failed"), Some(1));
        {
            let told = told.lock().unwrap();
            println!("    {told:?}");
            assert!(told.len() == 1 && told[0].starts_with("own wrong: "), "{told:?}");
        }
        assert!(db.fault().is_none());
        db.verify().unwrap();
        db.close().unwrap();

        // The next opening begins anew, and has the data.
        let (_world, db) = open(&disk, wrong);
        let db = db.unwrap();
        check(&db.keyspace("own").unwrap(), &pairs, "opened again");
    }
}

/// Asks for a table for each key.
#[derive(Debug)]
struct Crumbs;

impl Strategy for Crumbs {
    fn name(&self) -> &str {
        "crumbs"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, _: &Context) -> Option<Plan> {
        if tree.runs.len() < 2 {
            return None;
        }
        let all = tree.runs.iter().map(Input::whole).collect();
        let plan = Plan::new(tree, PlanKind::Merge, all, BOTTOM).with_tables_of(0);
        busy.allows(&plan).then_some(plan)
    }

    fn debt(&self, _: &Tree, _: &Context) -> Debt {
        Debt::default()
    }
}

#[test]
fn tables_have_a_least_size_whatever_a_plan_says() {
    let disk = new_disk();
    let (_world, db) = open(&disk, Crumbs);
    let db = db.unwrap();
    let own = db.keyspace_with("own", chosen("crumbs")).unwrap();
    let mut pairs = Pairs::new();
    for round in 0..8 {
        write(&own, &mut pairs, round);
        db.flush().unwrap();
    }
    db.wait_idle().unwrap();
    check(&own, &pairs, "merged");
    let tables = db.stats().tables;
    assert!(tables < 10, "{tables} tables for {} keys", pairs.len());
}

#[test]
fn a_crash_while_ones_own_strategy_merges_loses_nothing() {
    let disk = new_disk();
    let (world, db) = open(&disk, OneRun::default());
    let db = db.unwrap();
    let own = db.keyspace_with("own", chosen("one-run")).unwrap();
    let mut pairs = Pairs::new();
    for round in 0..4 {
        write(&own, &mut pairs, round);
        db.flush().unwrap();
    }
    db.wait_idle().unwrap();
    write(&own, &mut pairs, 4);
    db.sync().unwrap();
    // From here on nothing is written but the flush and what the strategy makes of it.
    disk.record_history(true);
    db.flush().unwrap();
    db.wait_idle().unwrap();
    let moments = disk.history();
    disk.record_history(false);
    kill(&world, (own, db));
    assert!(moments.len() > 10, "{} operations", moments.len());
    for moment in &moments {
        for crash in Crash::all(1) {
            let after = crash.image(moment);
            let (world, db) = open(&after, OneRun::default());
            let db = db.unwrap();
            let when = format!("{crash} after operation {}", moment.op_number);
            let own = db.keyspace("own").unwrap();
            check(&own, &pairs, &when);
            db.wait_idle().unwrap();
            check(&own, &pairs, &when);
            kill(&world, (own, db));
        }
    }
}
