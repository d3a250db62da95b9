//! Tables in the manifest: what may be listed, what an opening makes of tables that are listed and
//! not there or there and not listed, and which part of the log may go when a flush is over.

use std::path::Path;

use lsm_core::base::budget::Budget;
use lsm_core::base::checksum::hash64;
use lsm_core::base::error::{ErrorKind, Result};
use lsm_core::cache::pool::Cache;
use lsm_core::cache::purpose::Use;
use lsm_core::cursor::tombstone::Tombstone;
use lsm_core::env::fs::write_all_at;
use lsm_core::env::schedule::Signal;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::OpKind;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::{JournalOptions, OpenReport};
use lsm_core::key::full::FullKey;
use lsm_core::key::keyspace::KeyspaceId;
use lsm_core::key::kind::Kind;
use lsm_core::key::seqno::SeqNo;
use lsm_core::key::trailer::trailer_of;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;
use lsm_core::record::frame::Payload;
use lsm_core::table::builder::TableBuilder;
use lsm_core::table::options::TableOptions;
use lsm_core::version::catalog::Catalog;
use lsm_core::version::current::Version;
use lsm_core::version::edit::Edit;
use lsm_core::version::garbage::Garbage;
use lsm_core::version::shelf::Shelf;
use lsm_core::version::tree::{SliceMeta, TableMeta};

use crate::ground::bad_input::{refused, with_header};
use crate::harness::disk::{PATH, files_of, new_disk};
use crate::harness::ground::specimen::Specimen;
use crate::harness::ground::subject::{kill, open, options};
use crate::harness::ground::tables::{Batch, Versions};
use crate::machine::kit::{MODES, TempDir, open as open_on_machine, options as machine_options};

fn opened(disk: &SimDisk, mode: LogMode) -> (SimWorld, Journal, OpenReport, Vec<Batch>) {
    let (world, opened) = open(disk, mode, 99);
    let (journal, report, recovered) = opened.unwrap();
    (world, journal, report, recovered.batches)
}

fn append(journal: &Journal, payload: &[u8]) -> Batch {
    let last = journal.append(payload, 1, Durability::Buffered).unwrap();
    (last.get(), 1, payload.to_vec())
}

fn table_of(specimen: &Specimen) -> String {
    specimen.files.keys().find(|path| path.ends_with(".sst")).unwrap().clone()
}

fn number_of(path: &str) -> u64 {
    let name = path.rsplit('/').next().unwrap();
    name.split('.').next().unwrap().parse().unwrap()
}

fn has(disk: &SimDisk, name: &str) -> bool {
    disk.contents(&format!("{PATH}/{name}")).is_ok()
}

/// The edit that lists a table of ten bytes, which is made here.
fn ten_bytes(journal: &Journal) -> (u64, TableMeta, SliceMeta) {
    let new = journal.new_table().unwrap();
    write_all_at(new.file.as_ref(), &[7; 10], 0).unwrap();
    new.sync().unwrap();
    let meta = TableMeta {
        number: new.number,
        file_id: new.header.file_id,
        bytes: 10,
        crc: 0,
        entries: 0,
        deletes: 0,
        range_deletes: 0,
        seqno_min: SeqNo::ZERO,
        seqno_max: SeqNo::ZERO,
        created_millis: 0,
        expiry_min_millis: 0,
        expiry_max_millis: 0,
        merge_min_millis: 0,
        merge_ends: 0,
        blobs: Vec::new(),
    };
    let slice = SliceMeta {
        keyspace: KeyspaceId::DEFAULT,
        level: 0,
        run: new.number,
        smallest: vec![0, 0, 0, 0],
        largest: vec![0, 0, 0, 0, 9],
        is_largest_excluded: false,
        bytes: 10,
        entries: 0,
        deletes: 0,
    };
    (new.number, meta, slice)
}

fn commit(journal: &Journal, edits: &[Edit]) -> Result<()> {
    journal.commit(edits, &mut |_| ())
}

#[test]
fn a_listed_table_that_is_missing_or_of_another_length_is_refused() {
    let all = [
        Specimen::closed(LogMode::Write, 1),
        Specimen::unclean(LogMode::Write, false),
        Specimen::unclean(LogMode::Mapped, true),
    ];
    for specimen in all {
        let path = table_of(&specimen);
        let bytes = &specimen.files[&path];
        let disk = specimen.copy();
        disk.remove(&path).unwrap();
        let error = refused(&disk, ErrorKind::Corruption);
        assert_eq!((error.path(), error.offset()), (Some(Path::new(&path)), Some(0)));
        let longer = [bytes.as_slice(), &[0]].concat();
        for other in [&bytes[..bytes.len() - 1], &bytes[..0], &longer] {
            let disk = specimen.copy();
            disk.plant(&path, other).unwrap();
            let error = refused(&disk, ErrorKind::Corruption);
            assert_eq!(error.path(), Some(Path::new(&path)));
            assert_eq!(error.offset(), Some(other.len().min(bytes.len()) as u64), "{error:?}");
        }
    }
}

/// A table file that the manifest does not list, made of the one that it does.
fn unlisted(specimen: &Specimen, patches: &[(usize, &[u8])]) -> (SimDisk, String) {
    let bytes = &specimen.files[&table_of(specimen)];
    let number = number_of(&table_of(specimen)) + 500;
    let mut bytes = with_header(bytes, 72, &number.to_le_bytes());
    for (at, patch) in patches {
        bytes = with_header(&bytes, *at, patch);
    }
    let (disk, path) = (specimen.copy(), format!("{PATH}/{number:06}.sst"));
    disk.plant(&path, &bytes).unwrap();
    (disk, path)
}

#[test]
fn unlisted_tables_of_ours_are_cleared_away() {
    for specimen in [Specimen::closed(LogMode::Write, 1), Specimen::unclean(LogMode::Write, true)] {
        let (disk, path) = unlisted(&specimen, &[]);
        for bytes in [disk.contents(&path).unwrap(), vec![], vec![0; 5], vec![0; 9000]] {
            disk.plant(&path, &bytes).unwrap();
            let (world, journal, report, batches) = opened(&disk, LogMode::Write);
            assert_eq!(batches, specimen.truth.0.batches);
            assert!(report.unknown.is_empty() && disk.contents(&path).is_err(), "{report:?}");
            let next = journal.new_table().unwrap().number;
            assert!(next > number_of(&path), "the number {next} was in use");
            kill(&world, journal);
        }
    }
}

#[test]
fn unlisted_tables_that_cannot_be_told_are_reported_and_stay() {
    let specimen = Specimen::closed(LogMode::Write, 1);
    let cases: [&[(usize, &[u8])]; 6] = [
        &[(40, &[1; 16])],
        &[(56, &[1; 8])],
        &[(72, &[1])],
        &[(8, &[9])],
        &[(10, &[1])],
        // Of another database, so its edit says nothing.
        &[(40, &[1; 16]), (64, &[255; 4])],
    ];
    for patches in cases {
        let (disk, path) = unlisted(&specimen, patches);
        check_stays(&disk, &path, &specimen);
    }
    let (disk, path) = unlisted(&specimen, &[]);
    disk.rot(&path, 33, 1).unwrap();
    check_stays(&disk, &path, &specimen);
}

fn check_stays(disk: &SimDisk, path: &str, specimen: &Specimen) {
    let bytes = disk.contents(path).unwrap();
    let (_, journal, report, batches) = opened(disk, LogMode::Write);
    assert_eq!(batches, specimen.truth.0.batches);
    assert_eq!(report.unknown, [Path::new(path).file_name().unwrap()]);
    journal.append(b"goes on", 1, Durability::Durable).unwrap();
    journal.close().unwrap();
    assert_eq!(disk.contents(path).unwrap(), bytes);
}

#[test]
fn a_table_that_is_newer_than_the_manifest_gives_a_stale_copy_away() {
    let specimen = Specimen::closed(LogMode::Write, 1);
    let head = specimen.files.iter().find(|(path, _)| path.ends_with("a.head")).unwrap().1;
    let edit = u64::from_le_bytes(head[152..160].try_into().unwrap());
    let (disk, path) = unlisted(&specimen, &[(64, &(edit + 1).to_le_bytes())]);
    let error = refused(&disk, ErrorKind::Corruption);
    assert_eq!((error.path(), error.offset()), (Some(Path::new(&path)), Some(64)));
    let (disk, path) = unlisted(&specimen, &[(64, &edit.to_le_bytes())]);
    drop(opened(&disk, LogMode::Write));
    assert!(disk.contents(&path).is_err());
}

#[test]
fn tables_without_heads_are_no_place_for_a_new_database() {
    let specimen = Specimen::closed(LogMode::Write, 1);
    let disk = SimDisk::new();
    let path = table_of(&specimen);
    disk.plant(&path, &specimen.files[&path]).unwrap();
    refused(&disk, ErrorKind::Corruption);
}

#[test]
fn the_log_may_go_up_to_a_segment_that_was_rotated_away() {
    for mode in MODES {
        let disk = new_disk();
        let (world, journal, ..) = opened(&disk, mode);
        append(&journal, b"one");
        let ended = journal.log_number().unwrap();
        for start in [ended + 1, ended + 2, u64::MAX] {
            let refused = commit(&journal, &[Edit::LogStart(start)]).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{start}");
        }
        assert_eq!(journal.rotate().unwrap(), ended);
        assert!(commit(&journal, &[Edit::LogStart(ended + 2)]).is_err());
        commit(&journal, &[Edit::LogStart(ended + 1)]).unwrap();
        assert!(!has(&disk, &format!("{ended:06}.wal")));
        // An older start changes nothing: a flush may have begun before the log was rewritten.
        commit(&journal, &[Edit::LogStart(ended)]).unwrap();
        assert_eq!(journal.catalog().unwrap().log_start, ended + 1);

        // Nothing is left, and the next record begins a chain that names what is gone.
        journal.sync().unwrap();
        let (_, copy, _, batches) = opened(&disk.process_crash(), mode);
        assert_eq!(batches, []);
        drop(copy);
        let two = append(&journal, b"two");
        let (_, copy, _, batches) = opened(&disk.process_crash(), mode);
        assert_eq!(batches, std::slice::from_ref(&two));
        drop(copy);
        kill(&world, journal);
        assert_eq!(opened(&disk, mode).3, [two]);
    }
}

#[test]
fn a_database_whose_log_is_all_in_tables_closes_and_opens_clean() {
    for mode in MODES {
        let disk = new_disk();
        let mut batches = Vec::new();
        for life in 0..4u8 {
            let (_, journal, report, found) = opened(&disk, mode);
            assert_eq!((report.was_clean, &found), (life > 0, &batches), "life {life}");
            assert_eq!(report.batches, u64::from(life == 3), "the log is empty but for the last");
            // A segment that is more than half full has the next one made ahead.
            batches.push(append(&journal, &[life; 2500]));
            journal.sync().unwrap();
            if life < 2 {
                Versions::of(&journal).flush(&journal, &batches).unwrap();
            }
            journal.close().unwrap();
        }
        let before = files_of(&disk);
        let (world, journal, report, found) = opened(&disk, mode);
        assert!(report.was_clean && found == batches);
        kill(&world, journal);
        let is_same = |(path, bytes): (&String, &Vec<u8>)| {
            path.ends_with("db.lock") || before.get(path) == Some(bytes)
        };
        assert!(files_of(&disk).iter().all(is_same), "opening a clean database writes nothing");
    }
}

#[test]
fn sequence_numbers_go_on_behind_a_table() {
    for is_clean in [true, false] {
        let disk = new_disk();
        let (world, journal, ..) = opened(&disk, LogMode::Write);
        let one = append(&journal, b"one");
        journal.append(b"never logged", 5, Durability::Volatile).unwrap();
        Versions::of(&journal).flush(&journal, std::slice::from_ref(&one)).unwrap();
        if is_clean {
            journal.close().unwrap()
        } else {
            kill(&world, journal)
        }
        let (_, journal, _, batches) = opened(&disk, LogMode::Write);
        assert_eq!(batches, [one]);
        assert_eq!(append(&journal, b"two").0, 7, "clean {is_clean}");
    }
}

#[test]
fn a_replay_hands_over_what_it_may_pass_over() {
    // A flush whose log could not be retired, as after a resume.
    let disk = new_disk();
    let (world, journal, ..) = opened(&disk, LogMode::Write);
    let first = append(&journal, b"in a table");
    let second = append(&journal, b"in the log");
    let (number, meta, slice) = ten_bytes(&journal);
    let flushed = SeqNo::new(first.0).unwrap();
    let meta = TableMeta { seqno_max: flushed, ..meta };
    let edits = [Edit::TableAdded { meta, slices: vec![slice] }, Edit::Flushed(flushed)];
    commit(&journal, &edits).unwrap();
    kill(&world, journal);
    for _ in 0..2 {
        let mut seen = Vec::new();
        let world = SimWorld::from_disk(disk.clone(), 5);
        let env = world.env();
        let (journal, report) =
            Journal::open(&env, Path::new(PATH), options(LogMode::Write), &mut |catalog, batch| {
                assert!(catalog.tables.contains_key(&number));
                seen.push((batch.first.get(), batch.first <= catalog.flushed));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [(first.0, true), (second.0, false)]);
        assert_eq!(report.batches, 2);
        kill(&world, journal);
    }
}

#[test]
fn what_is_not_there_cannot_be_listed() {
    let disk = new_disk();
    let (_, journal, ..) = opened(&disk, LogMode::Write);
    append(&journal, b"one");
    let (number, meta, slice) = ten_bytes(&journal);
    let added = |meta: TableMeta| Edit::TableAdded { meta, slices: vec![slice.clone()] };
    let before = journal.catalog().unwrap();
    let wrong = [
        added(TableMeta { bytes: 11, ..meta.clone() }),
        added(TableMeta { number: number + 1, ..meta.clone() }),
        added(TableMeta { number: 1, ..meta.clone() }),
        added(TableMeta { seqno_max: SeqNo::new(2).unwrap(), ..meta.clone() }),
        Edit::Flushed(SeqNo::new(2).unwrap()),
        Edit::KeyspaceOptions { id: KeyspaceId::DEFAULT, text: "nonsense".into() },
        Edit::SliceRemoved { table: number, keyspace: KeyspaceId::DEFAULT },
    ];
    for edit in wrong {
        assert!(commit(&journal, std::slice::from_ref(&edit)).is_err(), "{edit:?}");
        assert_eq!(journal.catalog().unwrap(), before);
    }
    commit(&journal, &[added(meta.clone())]).unwrap();
    for call in [journal.unlink_tables(&[number]).map(drop), journal.discard_tables(&[number])] {
        assert_eq!(call.unwrap_err().kind(), ErrorKind::Internal);
    }
    assert!(commit(&journal, &[added(meta)]).is_err(), "it is listed already");
    assert!(journal.fault().is_none());
    journal.close().unwrap();
}

#[test]
fn a_table_of_a_commit_in_doubt_stays_until_that_is_settled() {
    for is_retried in [true, false] {
        let disk = new_disk();
        let (world, journal, ..) = opened(&disk, LogMode::Write);
        append(&journal, b"one");
        journal.create_keyspace("k", "").unwrap();
        let (number, meta, slice) = ten_bytes(&journal);
        let name = format!("{number:06}.sst");
        let edits = [Edit::TableAdded { meta, slices: vec![slice] }];
        let effect = Effect::SyncFails { drops_cache: false };
        disk.inject(Fault::new(&[OpKind::SyncData], ".manifest", effect));
        assert!(commit(&journal, &edits).unwrap_err().maybe_committed());
        let listed = |disk: &SimDisk| {
            let world = SimWorld::from_disk(disk.clone(), 5);
            let options = options(LogMode::Write);
            let opened = Journal::open(&world.env(), Path::new(PATH), options, &mut |_, _| Ok(()));
            opened.unwrap().0.catalog().unwrap().tables.contains_key(&number)
        };
        assert!(listed(&disk.process_crash()), "it is there after a mere crash");
        if is_retried {
            commit(&journal, &edits).unwrap();
        } else {
            journal.discard_tables(&[number]).unwrap();
            assert!(has(&disk, &name), "the manifest on the disk may list it");
            assert!(commit(&journal, &edits).is_err(), "it was given up");
            assert!(listed(&disk.process_crash()));
            commit(&journal, &[]).unwrap();
        }
        assert_eq!(has(&disk, &name), is_retried);
        assert_eq!(listed(&disk.process_crash()), is_retried);
        if !is_retried {
            let (number, ..) = ten_bytes(&journal);
            journal.discard_tables(&[number]).unwrap();
            assert!(!has(&disk, &format!("{number:06}.sst")), "nothing is in doubt any more");
        }
        kill(&world, journal);
    }
}

#[test]
fn a_table_whose_name_may_be_lost_is_not_listed_any_more() {
    let disk = new_disk();
    let (world, journal, ..) = opened(&disk, LogMode::Write);
    journal.create_keyspace("k", "").unwrap();
    let (number, meta, slice) = ten_bytes(&journal);
    let edits = [Edit::TableAdded { meta, slices: vec![slice] }];
    disk.inject(Fault::new(&[OpKind::SyncDir], "db", Effect::SyncFails { drops_cache: false }));
    assert!(!commit(&journal, &edits).unwrap_err().maybe_committed());
    disk.heal();
    assert!(commit(&journal, &edits).is_err(), "a sync that succeeds now says nothing of it");
    journal.discard_tables(&[number]).unwrap();
    assert!(!has(&disk, &format!("{number:06}.sst")));
    let (_, meta, slice) = ten_bytes(&journal);
    commit(&journal, &[Edit::TableAdded { meta, slices: vec![slice] }]).unwrap();
    kill(&world, journal);
}

#[test]
fn numbers_of_tables_are_never_given_again() {
    let disk = new_disk();
    let mut last = 0;
    for life in 0..4 {
        let (world, journal, ..) = opened(&disk, LogMode::Write);
        for _ in 0..3 {
            let (number, meta, slice) = ten_bytes(&journal);
            assert!(number > last, "{number} after {last}");
            last = number;
            if life % 2 == 0 {
                commit(&journal, &[Edit::TableAdded { meta, slices: vec![slice] }]).unwrap();
                let keyspace = KeyspaceId::DEFAULT;
                commit(&journal, &[Edit::SliceRemoved { table: number, keyspace }]).unwrap();
                journal.unlink_tables(&[number]).unwrap();
            }
        }
        kill(&world, journal);
    }
}

#[test]
fn a_caller_with_a_lock_of_its_own_waits_outside_of_it() {
    for mode in MODES {
        let disk = new_disk();
        let (world, journal, ..) = opened(&disk, mode);
        let mut expected = Vec::new();
        let mut waits = 0;
        for round in 0..40u8 {
            let payload = vec![round; 700];
            let hashed = Payload::new(&payload);
            let first = loop {
                match journal.try_append(&hashed, 2).unwrap() {
                    Some(first) => break first,
                    None => journal.wait_room(None).unwrap(),
                }
                waits += 1;
            };
            expected.push((first.get(), 2, payload.clone()));
            assert_eq!(journal.reserve(3).unwrap().get(), first.get() + 2);
        }
        assert!(waits > 0, "no segment was ever waited for");
        let (last, ..) = expected.last().unwrap();
        journal.sync_to(SeqNo::new(*last).unwrap(), None).unwrap();
        assert!(journal.durable_seqno().get() >= *last);
        journal.wait_room(None).unwrap();
        for count in [0, 1 << 24] {
            assert!(journal.reserve(count).is_err());
            assert!(journal.try_append(&Payload::new(b""), count).is_err());
        }
        kill(&world, journal);
        assert_eq!(opened(&disk, mode).3, expected);
    }
}

#[test]
fn options_of_keyspaces_are_kept() {
    let disk = new_disk();
    let (_, journal, ..) = opened(&disk, LogMode::Write);
    let refused = journal.create_keyspace("bad", "block_bytes=1").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    let plain = journal.create_keyspace("plain", "").unwrap();
    let tuned = journal.create_keyspace("tuned", "strategy=tiered:4").unwrap();
    let gone = journal.create_keyspace("gone", "compression=none").unwrap();
    let set = |id, text: &str| Edit::KeyspaceOptions { id, text: text.into() };
    commit(&journal, &[set(KeyspaceId::DEFAULT, "block_bytes=512")]).unwrap();
    commit(&journal, &[set(plain, "block_bytes=1024"), Edit::KeyspaceDropped(gone)]).unwrap();
    assert!(commit(&journal, &[set(gone, "")]).is_err());
    journal.close().unwrap();
    // The second opening reads a manifest of the first.
    for life in 0..3 {
        let (world, journal, ..) = opened(&disk, LogMode::Write);
        let catalog = journal.catalog().unwrap();
        assert_eq!(catalog.options_of(KeyspaceId::DEFAULT), "block_bytes=512", "life {life}");
        assert_eq!(catalog.options_of(plain), "block_bytes=1024");
        assert_eq!(catalog.options_of(tuned), "strategy=tiered:4");
        assert_eq!(catalog.options_of(gone), "");
        append(&journal, b"x");
        kill(&world, journal);
    }
}

#[test]
fn versions_are_installed_in_the_order_of_the_edits() {
    let dir = TempDir::new();
    let options = JournalOptions { sync_interval: None, ..machine_options(LogMode::Write) };
    let (journal, ..) = open_on_machine(&dir.db(), options).unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (journal, seen) = (&journal, &seen);
            scope.spawn(move || {
                for round in 0..8 {
                    let text = format!("block_bytes={}", 1000 + thread * 100 + round);
                    let edit = Edit::KeyspaceOptions { id: KeyspaceId::DEFAULT, text };
                    let mut plan =
                        |catalog: &Catalog| Ok(catalog.without_dropped(vec![edit.clone()]));
                    let then = &mut |catalog: &Catalog, edits: &[Edit]| {
                        assert_eq!(edits, std::slice::from_ref(&edit));
                        let text = catalog.options_of(KeyspaceId::DEFAULT).to_owned();
                        let own = Edit::KeyspaceOptions { id: KeyspaceId::DEFAULT, text };
                        assert_eq!(own, edit, "somebody else's catalog");
                        seen.lock().unwrap().push(catalog.edit);
                    };
                    journal.commit_with(None, &mut plan, then).unwrap();
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 32);
    assert!(seen.is_sorted(), "{seen:?}");
    journal.close().unwrap();
}

/// A real table of two keyspaces, one of which ends with a range tombstone.
fn build(journal: &Journal, second: KeyspaceId) -> Edit {
    let new = journal.new_table().unwrap();
    let options = TableOptions::default();
    let mut builder = TableBuilder::new(new.file.clone(), new.header.clone(), options).unwrap();
    let trailer = trailer_of(SeqNo::new(1).unwrap(), Kind::Put);
    for keyspace in [KeyspaceId::DEFAULT, second] {
        let key = FullKey::new(keyspace, b"key");
        builder.add(key.bytes(), trailer, format!("of {}", keyspace.get()).as_bytes()).unwrap();
    }
    let start = FullKey::new(second, b"x").bytes().to_vec();
    let end = FullKey::end_of(second).bytes().to_vec();
    builder.add_tombstone(&Tombstone { start, end, seqno: SeqNo::new(1).unwrap() }).unwrap();
    let finished = builder.finish().unwrap();
    new.sync().unwrap();
    let properties = &finished.properties;
    let meta = TableMeta {
        number: new.number,
        file_id: finished.file_id,
        bytes: finished.bytes,
        crc: finished.crc,
        entries: properties.entries,
        deletes: properties.deletes,
        range_deletes: properties.range_deletes,
        seqno_min: properties.seqno_min,
        seqno_max: properties.seqno_max,
        created_millis: 0,
        expiry_min_millis: properties.expiry_min_millis,
        expiry_max_millis: properties.expiry_max_millis(),
        merge_min_millis: properties.merge_min_millis,
        merge_ends: properties.merge_ends,
        blobs: Vec::new(),
    };
    let slices = finished.parts.iter().map(|part| SliceMeta {
        keyspace: part.keyspace,
        level: 0,
        run: new.number,
        smallest: part.smallest.clone(),
        largest: part.largest.clone(),
        is_largest_excluded: part.is_largest_excluded,
        bytes: part.bytes,
        entries: part.entries,
        deletes: part.deletes,
    });
    Edit::TableAdded { meta, slices: slices.collect() }
}

fn version_of(journal: &Journal) -> Version {
    let cache = Cache::new(Budget::new(1 << 20), 1 << 20);
    let shelf = Shelf::new(journal.directory().clone(), cache, 0);
    let garbage = Garbage::new(Signal::new());
    Version::from_catalog(&journal.catalog().unwrap(), garbage, Some(shelf)).unwrap()
}

fn look_up(version: &Version, keyspace: KeyspaceId) -> Result<Vec<u8>> {
    let key = FullKey::new(keyspace, b"key");
    let run = version.tree(keyspace).unwrap().runs.first().unwrap();
    let slice = run.slice_for(key.bytes()).unwrap();
    let table = slice.file.table()?;
    let found = table.get(key.bytes(), hash64(key.bytes()), u64::MAX, Use::Point)?;
    Ok(found.unwrap().value.to_vec())
}

#[test]
fn a_listed_table_is_opened_when_it_is_asked_for() {
    let disk = new_disk();
    let world = SimWorld::from_disk(disk.clone(), 3);
    let env = world.env();
    let begin = || {
        Journal::open(&env, Path::new(PATH), options(LogMode::Write), &mut |_, _| Ok(())).unwrap().0
    };
    let journal = begin();
    append(&journal, b"one");
    let second = journal.create_keyspace("second", "").unwrap();
    let edit = build(&journal, second);
    let installed = std::cell::RefCell::new(version_of(&journal));
    journal
        .commit(std::slice::from_ref(&edit), &mut |catalog| {
            let next = installed.borrow().apply(std::slice::from_ref(&edit), catalog.edit).unwrap();
            *installed.borrow_mut() = next;
        })
        .unwrap();
    for version in [installed.into_inner(), version_of(&journal)] {
        version.check().unwrap();
        assert_eq!(look_up(&version, KeyspaceId::DEFAULT).unwrap(), b"of 0");
        assert_eq!(look_up(&version, second).unwrap(), b"of 1");
        let tree = version.tree(second).unwrap();
        let behind = FullKey::new(second, b"zzz");
        assert!(tree.runs[0].slice_for(behind.bytes()).is_some(), "the tombstone reaches there");
    }
    journal.close().unwrap();

    let journal = begin();
    let version = version_of(&journal);
    disk.record_trace(true);
    disk.inject(Fault::new(&[OpKind::Open], ".sst", Effect::Error(libc::EMFILE)));
    assert!(look_up(&version, second).is_err());
    disk.heal();
    assert_eq!(look_up(&version, second).unwrap(), b"of 1", "a failure is not remembered");
    assert_eq!(look_up(&version, KeyspaceId::DEFAULT).unwrap(), b"of 0");
    let opens = disk.trace().iter().filter(|op| op.kind == OpKind::Open).count();
    assert_eq!(opens, 2, "one that failed, and one for both parts");
    // While it is open its name can go.
    let number = version.files().next().unwrap().meta.number;
    disk.remove(&format!("{PATH}/{number:06}.sst")).unwrap();
    assert_eq!(look_up(&version, second).unwrap(), b"of 1");
    let error = look_up(&version_of(&journal), second).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert!(error.path().unwrap().ends_with(format!("{number:06}.sst")));
}
