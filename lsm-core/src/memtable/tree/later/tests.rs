//! The order of what was laid, whatever the keys look like.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Weak;

use super::*;
use crate::base::error::ErrorKind;
use crate::key::trailer::NEWEST;
use crate::memtable::arena::Entry;
use crate::memtable::tree::FAN_OUT;

/// Lays entries in a shuffled order, and answers them as they are sorted.
fn sorted(mut entries: Vec<(Vec<u8>, u64)>) -> Vec<(Vec<u8>, u64)> {
    let (tree, mut writer) = Tree::<FAN_OUT>::new(&Weak::new()).unwrap();
    let count = entries.len();
    for at in 1..count {
        entries.swap(at, at * 7919 % (at + 1));
    }
    for (key, trailer) in &entries {
        writer.lay(Entry { key, trailer: *trailer, value: b"value" }).unwrap();
    }
    assert_eq!(writer.laid_bytes(), count * size_of::<Laid>());
    let mut laid = std::mem::take(&mut writer.later).laid;
    sort(&tree, &mut laid, ROUNDS);
    let entries = laid.iter().map(|laid| tree.entry(laid.place).unwrap());
    entries.map(|entry| (entry.key.to_vec(), entry.trailer)).collect()
}

fn check(what: &str, entries: Vec<(Vec<u8>, u64)>) {
    let found = sorted(entries.clone());
    let mut expected = entries;
    expected.sort_by(|one, other| entry_order((&one.0, one.1), (&other.0, other.1)));
    assert!(found == expected, "{what}");
}

#[test]
fn entries_of_every_look_are_sorted() {
    let numbers = || 1..2000_u64;
    let text = |text: String| text.into_bytes();
    check("numbers", numbers().map(|n| (n.to_be_bytes().to_vec(), 1)).collect());
    check("digits", numbers().map(|n| (text(format!("user{n}")), n)).collect());
    let far = |n| text(format!("shared by all, and {} by {n:040}", "x".repeat(n as usize % 3)));
    check("far behind", numbers().map(|n| (far(n), 1)).collect());
    check("versions of few", numbers().map(|n| (text(format!("{}", n % 3)), n)).collect());
    check("versions of one", numbers().map(|n| (b"one".to_vec(), n)).collect());
    let zeros = |n: u64| vec![0; n as usize % 300];
    check("zeros", numbers().map(|n| (zeros(n), n)).collect());
    // Longer and longer alike: more rounds than there are.
    let deep = |n: u64| [vec![b'k'; n as usize % 100 * 8], n.to_be_bytes().to_vec()].concat();
    check("deep", numbers().map(|n| (deep(n), n)).collect());
    check("none", Vec::new());
}

#[test]
fn what_was_laid_is_found_once_it_is_inserted() {
    let (tree, mut writer) = Tree::<FAN_OUT>::new(&Weak::new()).unwrap();
    let key = |number: u64| (number * 7919 % 10_007).to_be_bytes();
    for number in 0..10_000 {
        let entry = Entry { key: &key(number), trailer: 1, value: b"v" };
        match number % 100 {
            0 => writer.insert(entry).unwrap(),
            _ => writer.lay(entry).unwrap(),
        }
        if number % 3000 == 2999 {
            assert!(tree.get(&key(number), NEWEST).is_none());
            writer.insert_laid().unwrap();
            assert_eq!(writer.laid_bytes(), 0);
        }
    }
    writer.insert_laid().unwrap();
    assert!((0..10_000).all(|number| tree.get(&key(number), NEWEST).is_some()));
    writer.lay(Entry { key: &key(1), trailer: 1, value: b"again" }).unwrap();
    assert_eq!(writer.insert_laid().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn leaves_that_are_filled_in_order_are_full() {
    let bytes = |is_laid| {
        let (tree, mut writer) = Tree::<FAN_OUT>::new(&Weak::new()).unwrap();
        for number in 0..10_000_u64 {
            let key = (number * 7919 % 10_007).to_be_bytes();
            let entry = Entry { key: &key, trailer: 1, value: b"" };
            if is_laid { writer.lay(entry).unwrap() } else { writer.insert(entry).unwrap() }
        }
        let (copied, promised) = (tree.bytes(), writer.laid_bytes());
        writer.insert_laid().unwrap();
        assert!(!is_laid || tree.bytes() <= copied + promised);
        tree.bytes()
    };
    assert!(bytes(true) < bytes(false));
}
