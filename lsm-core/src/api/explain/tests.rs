//! Explained reads as text and as JSON.

use std::ops::Bound;
use std::time::Duration;

use crate::key::seqno::SeqNo;
use crate::read::explain::{
    Answer, Entries, Explanation, Place, RangeExplanation, ReadPart, Source, Step, Totals, Verdict,
};
use crate::stats::looked::{Origin, Part};
use crate::table::notes::Counts;

fn seqno(number: u64) -> SeqNo {
    SeqNo::new(number).unwrap()
}

fn step(place: Place) -> Step {
    Step {
        place,
        is_excluded: false,
        filter: None,
        range_tombstones: 0,
        covered_by: None,
        reads: Vec::new(),
        entry: None,
        answer: Answer::Missing,
        took: Duration::from_nanos(250),
    }
}

fn lookup() -> Explanation {
    let memtable = Step { filter: Some(Verdict::No), ..step(Place::Memtable { number: 1 }) };
    let run = Step { is_excluded: true, ..step(Place::Run { level: 0, run: 9 }) };
    let table = Step {
        filter: Some(Verdict::Maybe),
        range_tombstones: 2,
        covered_by: Some(seqno(5)),
        reads: vec![
            ReadPart { part: Part::Filter(3), from: Origin::Memory },
            ReadPart { part: Part::Entries(3, 7), from: Origin::Disk(4100) },
        ],
        entry: Some(seqno(4)),
        answer: Answer::Covered,
        ..step(Place::Table { level: 2, run: 1, file: 12 })
    };
    Explanation {
        keyspace: "users".to_owned(),
        key: b"a\"\x00\xff".to_vec(),
        at: seqno(17),
        answer: Answer::Covered,
        seqno: Some(seqno(5)),
        value_bytes: None,
        steps: vec![memtable, run, table],
        totals: Totals { tables: 1, from_disk: 1, bytes_read: 4100, ..Totals::default() },
    }
}

#[test]
fn an_explained_lookup_can_be_read_by_people() {
    let text = lookup().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "get a\\\"\\x00\\xff of users, seen at 17: covered by the range tombstone 5"
    );
    let wanted = [
        "  1. immutable memtable 1: knows nothing of the key, 250ns",
        "     its filter says no",
        "  2. level 0, run 9: no table spans the key, 250ns",
        "  3. table 12, level 2, run 1: covered, entry 4, 250ns",
        "     its filter says maybe",
        "     2 range tombstones, the newest over the key is 5",
        "     filter 3 from memory",
        "     entries 3:7 from disk, 4100 bytes",
    ];
    assert_eq!(lines[1..9], wanted);
    assert_eq!(lines.len(), 11, "{text}");
}

#[test]
fn an_explained_lookup_is_one_object_of_json() {
    let json = lookup().to_json();
    assert!(json.starts_with(
        r#"{"keyspace":"users","key":"a\\\"\\x00\\xff","at":17,"answer":"covered","seqno":5,"#
    ));
    assert!(json.contains(
        r#"{"place":"run","memtable":null,"level":0,"run":9,"file":null,"is_excluded":true,"#
    ));
    assert!(json.contains(
        r#"{"part":"entries","partition":3,"block":7,"from":"disk","bytes":4100}],"entry":4,"#
    ));
    assert!(json.ends_with(r#""range_tombstones":0,"took":0}}"#), "{json}");
}

#[test]
fn an_explained_scan_can_be_read_by_people_and_programs() {
    let reads =
        Counts { blocks_from_disk: 3, disk_reads: 1, bytes_read: 9000, ..Counts::default() };
    let place = Place::Table { level: 1, run: 2, file: 3 };
    let scan = RangeExplanation {
        keyspace: "default".to_owned(),
        lower: Bound::Excluded(b"a".to_vec()),
        upper: Bound::Unbounded,
        at: seqno(3),
        is_reverse: true,
        limit: Some(5),
        is_complete: false,
        pairs: 5,
        entries: Entries { all: 8, pairs: 5, deleted: 3, ..Entries::default() },
        sources: vec![Source { place, entries: 20, range_tombstones: 1, reads }],
        tables_excluded: 4,
        tables_not_reached: 2,
        reads,
        took: Duration::from_micros(7),
    };
    let text = scan.to_string();
    let wanted = [
        "scan backward of default from behind a to the last key, seen at 3: 5 pairs, up to \
         its limit",
        "  table 3, level 1, run 2: 20 entries, 1 range tombstones",
        "     indexes 0 from memory and 0 from disk, blocks 0 from memory and 3 from disk, \
         9000 bytes in 1 reads",
        "tables: 4 outside the range, 2 not reached",
        "entries: 8 looked at, 5 of them pairs, 3 deletes",
    ];
    assert_eq!(text.lines().take(5).collect::<Vec<_>>(), wanted);
    let json = scan.to_json();
    assert!(json.contains(r#""lower":"a","is_lower_excluded":true,"upper":null,"#), "{json}");
    assert!(json.contains(r#""entries":{"all":8,"pairs":5,"older":0,"#), "{json}");
    assert!(json.ends_with(r#""disk_reads":1,"bytes_read":9000},"took":7000}"#), "{json}");
}
