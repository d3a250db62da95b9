//! Explained reads: they answer what every other read answers, and what they tell of their way is
//! what the statistics count and what the disk was asked for.

use std::ops::ControlFlow;
use std::time::Duration;

use lsm_core::env::sim::op::{Op, OpKind};
use lsm_core::env::sim::rng::Rng;
use lsm_core::read::explain::{Answer, Place, Verdict};
use lsm_core::stats::looked::{Origin, Part};
use lsm_core::{
    CallOptions, Db, ErrorKind, ExplainOptions, Explanation, Keyspace, KeyspaceOptions, Options,
    RangeExplanation, Read, ReadOptions,
};

use crate::harness::engine::stage::{Stage, quiet};

fn key(at: u64) -> String {
    format!("k{at:04}")
}

/// What has been counted of reads: lookups, tables, filtered, blocks, scans, pairs and entries.
fn counted(db: &Db) -> [u64; 9] {
    let stats = db.stats();
    let names = [
        "gets",
        "get_tables",
        "gets_filtered",
        "get_blocks",
        "scans",
        "scanned_pairs",
        "scanned_entries",
    ];
    let mut all = [0; 9];
    for (place, name) in all.iter_mut().zip(names) {
        *place = stats.counter(name).unwrap();
    }
    all[7] = stats.cache.hits;
    all[8] = stats.cache.misses;
    all
}

fn growth(db: &Db, act: impl FnOnce()) -> [u64; 9] {
    let before = counted(db);
    act();
    let mut after = counted(db);
    after.iter_mut().zip(before).for_each(|(after, before)| *after -= before);
    after
}

/// Bytes of tables that the disk was asked for.
fn read_of_tables(trace: &[Op]) -> u64 {
    let is_it =
        |op: &&Op| op.kind == OpKind::Read && op.path.extension().is_some_and(|it| it == "sst");
    trace.iter().filter(is_it).map(|op| op.len).sum()
}

/// Holds an explained lookup against a usual one and against what is counted; answers it.
fn explained(db: &Db, from: &impl Read, key: &str) -> Explanation {
    let mut told = None;
    let counts = growth(db, || told = Some(from.explain_get(key).unwrap()));
    let told = told.unwrap();
    let totals = &told.totals;
    assert_eq!(counts[0], 1);
    assert_eq!(counts[1..4], [totals.tables, totals.filtered, totals.blocks], "{told}");
    assert_eq!(counts[7..], [totals.from_memory, totals.from_disk], "{told}");
    let value = from.get(key).unwrap();
    assert_eq!(value.is_some(), told.answer == Answer::Found, "{told}");
    assert_eq!(value.map(|value| value.len() as u64), told.value_bytes, "{told}");
    let (last, before) = told.steps.split_last().unwrap();
    assert!(before.iter().all(|step| step.answer == Answer::Missing), "{told}");
    assert_eq!(last.answer, told.answer, "{told}");
    assert!(told.to_json().starts_with("{\"keyspace\":\"default\",\"key\":\"k"), "{told}");
    told
}

/// Holds an explained scan against a usual one and against what is counted; answers it.
fn scanned(
    db: &Db,
    from: &impl Read,
    (lower, upper): (&str, &str),
    limit: Option<u64>,
    is_reverse: bool,
) -> RangeExplanation {
    let mut told = None;
    let counts = growth(db, || {
        let how = ExplainOptions::new().limit(limit).reverse(is_reverse);
        told = Some(from.explain_range_with(lower..upper, how).unwrap());
    });
    let told = told.unwrap();
    let entries = &told.entries;
    assert_eq!(counts[4..7], [1, told.pairs, entries.all], "{told}");
    let reads = &told.reads;
    let from_memory = reads.indexes_from_memory + reads.blocks_from_memory;
    assert_eq!(counts[7], from_memory, "{told}");
    assert_eq!(counts[8], reads.indexes_from_disk + reads.blocks_from_disk, "{told}");
    let parts = [
        entries.pairs,
        entries.older,
        entries.too_new,
        entries.deleted,
        entries.expired,
        entries.covered,
        entries.outside,
    ];
    assert_eq!(parts.iter().sum::<u64>(), entries.all, "{told}");
    let all = from.range(lower..upper).count() as u64;
    assert_eq!(told.pairs, all.min(limit.unwrap_or(u64::MAX)), "{told}");
    assert_eq!(told.is_complete, limit.is_none_or(|limit| all < limit), "{told}");
    assert!(told.to_json().contains("\"is_complete\":"), "{told}");
    told
}

#[test]
fn an_explained_read_answers_what_a_usual_one_does_in_any_database() {
    let mut met = [false; 4];
    for seed in 0..12 {
        let rng = &mut Rng::new(seed);
        let stage = Stage::new(quiet().memory_limit(16 << 20));
        let db = stage.db();
        let mut snapshots = vec![db.snapshot().unwrap()];
        for _ in 0..rng.below(400) + 100 {
            match rng.below(40) {
                0 => db.flush().unwrap(),
                1 if rng.chance(1, 3) => db.compact(..).unwrap(),
                2..4 => {
                    let from = rng.below(200);
                    db.delete_range(key(from)..key(from + rng.below(30) + 1)).unwrap();
                }
                4..10 => drop(db.delete(key(rng.below(200))).unwrap()),
                10 if rng.chance(1, 2) => snapshots.push(db.snapshot().unwrap()),
                _ => {
                    let value = vec![7; rng.below(300) as usize];
                    db.put(key(rng.below(200)), value).unwrap();
                }
            }
        }
        let past = ReadOptions::new().fill_cache(false);
        for at in 0..210 {
            let told = explained(db, db, &key(at));
            met[0] |= told.answer == Answer::Found;
            met[1] |= told.answer == Answer::Deleted;
            met[2] |= told.answer == Answer::Covered;
            met[3] |= told.answer == Answer::Missing;
            assert!(!told.to_string().is_empty());
            explained(db, &db.with(past), &key(at));
            for snapshot in &snapshots {
                let told = explained(db, &db.at(snapshot), &key(at));
                assert_eq!(told.at, snapshot.seqno());
            }
        }
        for _ in 0..20 {
            let (from, to) = (rng.below(200), rng.below(220));
            let (lower, upper) = (key(from), key(to));
            let limit = rng.chance(1, 2).then(|| rng.below(50) + 1);
            let snapshot = &snapshots[rng.below(snapshots.len() as u64) as usize];
            let is_reverse = rng.chance(1, 2);
            scanned(db, db, (&lower, &upper), limit, is_reverse);
            scanned(db, &db.at(snapshot), (&lower, &upper), limit, is_reverse);
        }
    }
    assert_eq!(met, [true; 4], "not every answer was met");
}

/// Three tables on two levels and a memtable, with an opening since: nothing is in memory.
fn cold(options: Options) -> Stage {
    let stage = Stage::new(options);
    let db = stage.db();
    for at in (0..400).step_by(2) {
        db.put(key(at), [7; 100]).unwrap();
    }
    db.compact(..).unwrap();
    for at in (0..400).step_by(20) {
        db.delete(key(at)).unwrap();
    }
    db.delete_range(key(100)..key(120)).unwrap();
    db.flush().unwrap();
    for at in (0..40).step_by(2) {
        db.put(key(at), "new").unwrap();
    }
    db.flush().unwrap();
    db.clone().close().unwrap();
    let again = Stage::on(stage.disk.clone(), quiet());
    again.db().put(key(2), "newest").unwrap();
    again
}

#[test]
fn what_an_explained_lookup_says_it_read_is_what_the_disk_was_asked_for() {
    let stage = cold(quiet());
    let mut told = Vec::new();
    let at = [2, 4, 60, 101, 104, 301, 302, 302];
    for at in at {
        let mut one = None;
        let trace = stage.trace(|db| one = Some(db.explain_get(key(at)).unwrap()));
        let one = one.unwrap();
        assert_eq!(one.totals.bytes_read, read_of_tables(&trace), "{one}");
        told.push(one);
    }
    let answers: Vec<Answer> = told.iter().map(|told| told.answer).collect();
    use Answer::{Covered, Deleted, Found, Missing};
    assert_eq!(answers, [Found, Found, Deleted, Covered, Covered, Missing, Found, Found]);
    let [in_memory, newest_table, .., first, again] = told.as_slice() else { panic!() };
    assert_eq!(in_memory.totals.tables, 0);
    assert_eq!(in_memory.steps[0].place, Place::Memtable { number: 0 });
    assert_eq!(in_memory.steps[0].filter, Some(Verdict::Maybe));
    let table = newest_table.steps.last().unwrap();
    assert!(matches!(table.place, Place::Table { level: 0, .. }), "{newest_table}");
    assert_eq!(table.filter, Some(Verdict::Maybe));
    let parts: Vec<Part> = table.reads.iter().map(|read| read.part).collect();
    let wanted = [Part::Opening, Part::Filter(0), Part::Index(0), Part::Entries(0, 0)];
    assert_eq!(parts, wanted, "{newest_table}");
    assert!(table.reads.iter().all(|read| matches!(read.from, Origin::Disk(1..))));
    // One run holds only keys from the beginning, the other says no: the last one has it.
    assert!(first.steps.iter().any(|step| step.is_excluded), "{first}");
    assert!(first.steps.iter().any(|step| step.filter == Some(Verdict::No)), "{first}");
    assert!(first.totals.from_disk > 0, "{first}");
    assert_eq!((again.totals.from_disk, again.totals.bytes_read), (0, 0), "{again}");
    assert_eq!(again.totals.excluded, 1, "{again}");
    assert_eq!(told[3].totals.range_tombstones, 1, "{}", told[3]);
    assert_eq!(told[3].seqno, told[4].seqno);
}

#[test]
fn what_an_explained_scan_says_it_read_is_what_the_disk_was_asked_for() {
    let stage = cold(quiet());
    let mut all = Vec::new();
    for is_reverse in [false, true, false] {
        let mut one = None;
        let how = ExplainOptions::new().reverse(is_reverse);
        let trace = stage.trace(|db| one = Some(db.explain_range_with(.., how).unwrap()));
        let one = one.unwrap();
        assert_eq!(one.reads.bytes_read, read_of_tables(&trace), "{one}");
        assert_eq!(one.pairs, stage.db().count(..).unwrap(), "{one}");
        assert_eq!(one.sources.len(), 4, "{one}");
        all.push(one);
    }
    assert!(all[0].reads.is_opened && all[0].reads.blocks_from_disk > 4, "{}", all[0]);
    let oldest = &all[0].sources[3].reads;
    assert!(oldest.disk_reads < 2 + oldest.blocks_from_disk, "read ahead: {}", all[0]);
    assert_eq!(all[2].reads.bytes_read, 0, "{}", all[2]);
    let entries = &all[2].entries;
    assert!(entries.deleted > 0 && entries.covered > 0 && entries.older > 0, "{}", all[2]);
    // The spans of the newer tables lie before this range.
    let told = stage.db().explain_range(key(390)..).unwrap();
    assert_eq!((told.tables_excluded, told.pairs), (2, 5), "{told}");
    let none = stage.db().explain_range_with(.., ExplainOptions::new().limit(0)).unwrap();
    assert_eq!((none.pairs, none.is_complete, none.entries.all), (0, false, 0), "{none}");
    let empty = stage.db().explain_range(key(9)..key(3)).unwrap();
    assert_eq!((empty.pairs, empty.is_complete, empty.sources.len()), (0, true, 0), "{empty}");
}

#[test]
fn a_long_explained_scan_tells_how_far_it_is_and_can_be_stopped() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    (0..1000).for_each(|at| drop(db.put(key(at), "value").unwrap()));
    let mut told = Vec::new();
    let mut tell = |progress: lsm_core::Progress| {
        told.push(progress.done);
        if progress.done < 512 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let how = ExplainOptions::new().call(CallOptions::new().progress(&mut tell));
    let stopped = db.explain_range_with(.., how).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Aborted);
    assert_eq!(told, [256, 512]);
    let how = ExplainOptions::new().call(CallOptions::new().timeout(Duration::ZERO));
    assert_eq!(db.explain_range_with(.., how).unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_stretch_of_deletes_that_is_known_is_told_as_a_leap() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    (0..1000).for_each(|at| drop(db.put(key(at), "value").unwrap()));
    db.flush().unwrap();
    (0..990).for_each(|at| drop(db.delete(key(at)).unwrap()));
    let first = db.explain_range(..).unwrap();
    assert_eq!((first.pairs, first.entries.leaps), (10, 0), "{first}");
    assert_eq!((first.entries.deleted, first.entries.older), (990, 990), "{first}");
    db.explain_range(..).unwrap();
    let told = db.explain_range(..).unwrap();
    assert!(told.entries.leaps > 0 && told.entries.all < 200, "{told}");
    assert!(told.to_string().contains("leaps over what is known to be dead"), "{told}");
}

#[test]
fn reads_without_a_filter_or_of_another_keyspace_are_explained_too() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let bare: Keyspace =
        db.keyspace_with("bare", KeyspaceOptions::new().filter_bits_per_key(0)).unwrap();
    bare.put("a", "1").unwrap();
    bare.put("c", "1").unwrap();
    bare.compact(..).unwrap();
    let told = bare.explain_get("b").unwrap();
    assert_eq!((told.answer, told.totals.filtered, told.totals.blocks), (Answer::Missing, 0, 1));
    assert_eq!(told.steps.last().unwrap().filter, None, "{told}");
    assert_eq!(told.keyspace, "bare");
    let read = ReadOptions::new();
    let verified = bare.with(read.verify(true)).explain_get("a").unwrap();
    assert_eq!((verified.answer, verified.totals.opened), (Answer::Found, 1), "{verified}");
    assert_eq!(bare.with(read).explain_get("a").unwrap().totals.opened, 0);
    let refused = bare.with(read.cached_only(true)).explain_get("a");
    assert!(refused.is_ok(), "it is in memory by now");
    db.clone().close().unwrap();
    assert_eq!(bare.explain_get("a").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(bare.explain_range(..).unwrap_err().kind(), ErrorKind::Closed);
}

/// What the page shows, with times as they are in a world in which none passes.
fn shown_in_the_page(first_line: &str) -> String {
    let page = include_str!("../../../../docs/explain.md");
    let block = page.split("```").find(|block| block.starts_with(first_line));
    let block = block.unwrap_or_else(|| panic!("the page does not show `{first_line}`"));
    block.strip_prefix("text\n").unwrap().to_owned()
}

/// The same without the times at the ends of lines.
fn timeless(text: &str) -> String {
    let is_time =
        |word: &str| word.starts_with(|it: char| it.is_ascii_digit()) && word.ends_with('s');
    let lines = text.lines().map(|line| match line.rsplit_once(", ") {
        Some((before, last)) if is_time(last) && !last.contains(' ') => before,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_page_shows_what_is_told() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    (0..1000).for_each(|at| drop(db.put(format!("user:{at:04}"), "value").unwrap()));
    db.compact(..).unwrap();
    db.put("user:0042", "new").unwrap();
    db.flush().unwrap();
    db.delete("user:0043").unwrap();
    db.delete_range("user:0500".."user:0600").unwrap();
    db.clone().close().unwrap();
    let stage = Stage::on(stage.disk.clone(), quiet());
    let db = stage.db();
    db.put("user:0044", "new").unwrap();
    let lookup = db.explain_get("user:0042").unwrap().to_string();
    let scan = db.explain_range(..).unwrap().to_string();
    db.pause_background().unwrap();
    for at in 0..14 {
        db.put("user:0044", format!("{at}")).unwrap();
        db.flush().unwrap();
    }
    let doctor = db.doctor().unwrap().to_string();
    let told = [lookup, scan, doctor].map(|text| timeless(&text));
    let first = ["text\nget user:0042", "text\nscan forward", "text\nwarning: background_paused"];
    let shown = first.map(|line| timeless(&shown_in_the_page(line)));
    assert_eq!(told, shown, "\n{}\n", told.join("\n\n"));
}
