//! Every policy keeps what was synced, and does with the rest what its name says.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::crash::CrashPolicy;
use super::super::disk::SimDisk;
use super::super::rng::Rng;
use super::helpers::{disk_with_dir, durable_file, file_with};
use crate::env::fs::{FileSystem, WINDOW_GRAIN, write_all_at};

/// Calls with every image of the disk, under all policies and some seeds.
fn each_image(disk: &SimDisk, mut look: impl FnMut(CrashPolicy, u64, &SimDisk)) {
    for policy in CrashPolicy::ALL {
        for seed in 0..200 {
            look(policy, seed, &disk.crash(policy, seed));
        }
    }
}

#[test]
fn what_was_synced_survives_every_policy() {
    let (disk, dir) = disk_with_dir();
    let bytes: Vec<u8> = (0..3000u32).map(|index| index as u8 | 1).collect();
    let file = durable_file(&dir, "a", &bytes);
    // Behind, next to and in the same sector as synced bytes: appends only.
    write_all_at(&*file, &[7; 900], 3000).unwrap();
    write_all_at(&*file, &[8; 900], 3500).unwrap();
    file_with(&dir, "b", &[9; 100]);
    each_image(&disk, |policy, seed, image| {
        let found = image.contents("/db/a").unwrap();
        assert!(found.len() >= 3000, "{policy} {seed}");
        assert_eq!(&found[..3000], &bytes, "{policy} {seed}");
        assert!(image.is_durable("/db/a"));
        assert_eq!(image.crash(CrashPolicy::SyncedOnly, 1).contents("/db/a").unwrap(), found);
    });
}

#[test]
fn names_need_a_sync_of_their_directory() {
    let (disk, dir) = disk_with_dir();
    let file = file_with(&dir, "a", b"synced");
    file.sync_all().unwrap();
    assert!(!disk.is_durable("/db/a"));
    let lost = disk.crash(CrashPolicy::SyncedOnly, 0);
    assert!(lost.contents("/db/a").unwrap_err().is_not_found());
    let kept = disk.crash(CrashPolicy::MetaFirst, 0);
    assert_eq!(kept.contents("/db/a").unwrap(), b"synced");
    dir.sync().unwrap();
    assert!(disk.is_durable("/db/a"));
    each_image(&disk, |_, _, image| assert_eq!(image.contents("/db/a").unwrap(), b"synced"));
}

#[test]
fn a_directory_needs_a_sync_of_its_parent() {
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/db")).unwrap();
    let dir = disk.open_dir(Path::new("db")).unwrap();
    durable_file(&dir, "a", b"bytes");
    assert!(!disk.is_durable("/db/a"));
    assert!(disk.crash(CrashPolicy::SyncedOnly, 0).paths().is_empty());
    disk.open_dir(Path::new("/")).unwrap().sync().unwrap();
    assert!(disk.is_durable("/db/a"));
    assert_eq!(disk.crash(CrashPolicy::SyncedOnly, 0).contents("/db/a").unwrap(), b"bytes");
}

#[test]
fn a_rename_is_atomic() {
    let (disk, dir) = disk_with_dir();
    durable_file(&dir, "head", b"old");
    durable_file(&dir, "head.tmp", b"new");
    dir.rename("head.tmp", "head").unwrap();
    let mut seen = BTreeSet::new();
    each_image(&disk, |policy, seed, image| {
        let head = image.contents("/db/head").unwrap();
        let is_renamed = image.contents("/db/head.tmp").is_err();
        assert_eq!(head, if is_renamed { b"new" } else { b"old" }, "{policy} {seed}");
        seen.insert(is_renamed);
    });
    assert_eq!(seen.len(), 2);
}

#[test]
fn names_keep_the_order_of_their_own_history() {
    let (disk, dir) = disk_with_dir();
    durable_file(&dir, "a", b"1");
    dir.unlink("a").unwrap();
    file_with(&dir, "a", b"22").sync_data().unwrap();
    dir.rename("a", "b").unwrap();
    file_with(&dir, "c", b"333").sync_data().unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..500 {
        let image = disk.crash(CrashPolicy::ReorderSectors, seed);
        let len = |name: &str| image.contents(name).map_or(0, |bytes| bytes.len());
        seen.insert((len("/db/a"), len("/db/b"), len("/db/c")));
    }
    // The steps of `a` and `b` are a chain of four states; `c` goes its own way.
    let chain = [(1, 0), (0, 0), (2, 0), (0, 2)];
    let all = chain.iter().flat_map(|(a, b)| [(*a, *b, 0), (*a, *b, 3)]);
    assert_eq!(seen, all.collect());
}

#[test]
fn torn_sectors_change_only_what_was_being_written() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", &[0x11; 2048]);
    write_all_at(&*file, &[0x22; 100], 1000).unwrap();
    write_all_at(&*file, &[0x33; 50], 1040).unwrap();
    let (mut seen, mut garbage) = (BTreeSet::new(), 0);
    for seed in 0..500 {
        let found = disk.crash(CrashPolicy::ReorderSectors, seed).contents("/db/a").unwrap();
        assert_eq!(found.len(), 2048);
        assert!(found[..1000].iter().chain(&found[1100..]).all(|byte| *byte == 0x11), "{seed}");
        garbage +=
            u32::from(found[1000..1100].iter().any(|byte| ![0x11, 0x22, 0x33, 0].contains(byte)));
        seen.insert(found);
    }
    assert!(garbage > 50, "{garbage}");
    assert!(seen.len() > 100, "{}", seen.len());
}

#[test]
fn sectors_arrive_in_any_order_and_lengths_apart_from_them() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", b"");
    for sector in 0..4u64 {
        write_all_at(&*file, &[sector as u8 + 1; 512], sector * 512).unwrap();
    }
    let (mut holes, mut lengths) = (0, BTreeSet::new());
    for seed in 0..500 {
        let found = disk.crash(CrashPolicy::ReorderSectors, seed).contents("/db/a").unwrap();
        lengths.insert(found.len());
        holes += u32::from(found.len() == 2048 && found[0] == 0 && found[2047] == 4);
    }
    assert_eq!(lengths, BTreeSet::from([0, 512, 1024, 1536, 2048]));
    assert!(holes > 0);
}

#[test]
fn a_prefix_ends_at_one_moment() {
    let (disk, dir) = disk_with_dir();
    let first = durable_file(&dir, "a", b"");
    let second = durable_file(&dir, "b", b"");
    write_all_at(&*first, &[1; 700], 0).unwrap();
    write_all_at(&*second, &[2; 700], 0).unwrap();
    file_with(&dir, "c", &[3; 10]);
    let mut seen = BTreeSet::new();
    for seed in 0..500 {
        let image = disk.crash(CrashPolicy::OrderedPrefix, seed);
        let len = |name: &str| image.contents(name).map_or(0, |bytes| bytes.len());
        let found = (len("/db/a"), len("/db/b"), len("/db/c"));
        assert!(found.1 == 0 || found.0 == 700, "{found:?}");
        assert!(found.2 == 0 || found.1 == 700, "{found:?}");
        seen.insert(found);
    }
    assert!(seen.contains(&(512, 0, 0)) && seen.contains(&(700, 700, 10)), "{seen:?}");
}

#[test]
fn sizes_and_names_can_be_all_there_is() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", &[1; 600]);
    write_all_at(&*file, &[2; 1000], 0).unwrap();
    let (mut zeros, mut garbage) = (0, 0);
    for seed in 0..100 {
        let found = disk.crash(CrashPolicy::SizeFirst, seed).contents("/db/a").unwrap();
        assert_eq!((found.len(), &found[..600]), (1000, &[1; 600][..]));
        match found[600..].iter().all(|byte| *byte == 0) {
            true => zeros += 1,
            false => garbage += 1,
        }
    }
    assert!(zeros > 20 && garbage > 20);
    let names = disk.crash(CrashPolicy::MetaFirst, 0);
    assert_eq!(names.contents("/db/a").unwrap(), [1; 600]);
}

#[test]
fn a_cut_does_not_bring_back_what_it_took() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", &[1; 2000]);
    file.set_len(100).unwrap();
    file.set_len(3000).unwrap();
    for seed in 0..100 {
        let found = disk.crash(CrashPolicy::ReorderSectors, seed).contents("/db/a").unwrap();
        let expected_ones = if found.len() == 2000 { 2000 } else { 100 };
        assert_eq!(found.iter().filter(|byte| **byte == 1).count(), expected_ones, "{seed}");
    }
}

#[test]
fn a_liar_loses_everything_from_then_on() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", b"one");
    disk.lie_from_sync(2);
    write_all_at(&*file, b"two", 3).unwrap();
    file.sync_data().unwrap();
    write_all_at(&*file, b"three", 6).unwrap();
    file.sync_data().unwrap();
    file_with(&dir, "b", b"");
    dir.sync().unwrap();
    assert!(!disk.is_durable("/db/a"));
    let image = disk.crash(CrashPolicy::SyncedOnly, 0);
    assert_eq!(image.contents("/db/a").unwrap(), b"onetwo");
    assert!(image.contents("/db/b").is_err());
}

#[test]
fn only_the_stored_part_of_a_window_is_synced() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "log", b"");
    file.allocate(4 * WINDOW_GRAIN).unwrap();
    file.sync_all().unwrap();
    let window = file.map(0, 2 * WINDOW_GRAIN).unwrap();
    assert!(window.publish(0, b"head-one", b"body"));
    assert!(window.publish(1024, b"head-two", b"body"));
    window.sync(0, 12).unwrap();
    let found = disk.crash(CrashPolicy::SyncedOnly, 0).contents("/db/log").unwrap();
    assert_eq!(&found[..12], b"head-onebody");
    assert!(found[12..].iter().all(|byte| *byte == 0));
    window.sync(1024, 12).unwrap();
    assert!(disk.is_durable("/db/log"));
    assert_eq!(disk.violations(), Vec::<String>::new());
}

#[test]
fn a_publication_has_a_crash_point_between_its_parts() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "log", b"");
    file.allocate(WINDOW_GRAIN).unwrap();
    let window = file.map(0, WINDOW_GRAIN).unwrap();
    disk.record_history(true);
    assert!(window.publish(8, b"HEADhead", b"body"));
    let parts: Vec<Vec<u8>> = disk
        .history()
        .iter()
        .map(|moment| SimDisk::killed(moment).contents("/db/log").unwrap()[8..20].to_vec())
        .collect();
    assert_eq!(parts, [b"\0\0\0\0\0\0\0\0body", b"\0\0\0\0headbody", b"HEADheadbody"]);
}

#[test]
fn a_killed_process_leaves_the_cache_and_a_cut_may_follow() {
    let (disk, dir) = disk_with_dir();
    file_with(&dir, "a", b"bytes");
    let next = disk.process_crash();
    assert_eq!(next.contents("/db/a").unwrap(), b"bytes");
    assert_eq!((next.boot(), next.is_durable("/db/a")), (disk.boot(), false));
    let last = next.crash(CrashPolicy::SyncedOnly, 0);
    assert!(last.contents("/db/a").is_err());
    assert_eq!(last.boot(), disk.boot() + 1);
}

#[test]
fn a_seed_is_the_whole_story() {
    let (disk, dir) = disk_with_dir();
    let mut rng = Rng::new(7);
    for name in ["a", "b", "c"] {
        let mut bytes = [0; 1500];
        rng.garbage(&mut bytes);
        file_with(&dir, name, &bytes);
    }
    let mut seen = BTreeSet::new();
    each_image(&disk, |policy, seed, image| {
        assert_eq!(image.image_hash(), disk.crash(policy, seed).image_hash(), "{policy} {seed}");
        if policy == CrashPolicy::ReorderSectors {
            seen.insert(image.image_hash());
        }
    });
    assert!(seen.len() > 100, "{}", seen.len());
}

#[test]
fn policies_are_read_as_they_are_printed() {
    for policy in CrashPolicy::ALL {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    assert!("Nothing".parse::<CrashPolicy>().is_err());
}
