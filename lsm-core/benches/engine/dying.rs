//! Opening after a kill: another process fills a store and dies, and this one opens what is left.

use std::path::Path;
use std::process::Command;

use crate::store::Store;
use crate::workload::{Shuffled, key_of, value_of};

/// Their log has about 48 MiB, and no memtable is full.
const RECORDS: u64 = 370_000;

/// The word that makes this program the other process.
pub(crate) const WORD: &str = "--dying";

/// Lets another process fill the store of this name, in this directory, and die.
pub(crate) fn leave_behind(name: &str, dir: &Path) {
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program).arg(WORD).arg(name).arg(dir).status().unwrap();
    assert!(!status.success(), "the other process did not die");
}

/// What the other process does.
pub(crate) fn fill_and_die(store: &dyn Store) -> ! {
    Shuffled::new(RECORDS, 7).for_each(|number| store.put(&key_of(number), &value_of(number)));
    std::process::abort()
}

/// Everything is there.
pub(crate) fn check(store: &dyn Store) {
    let mut value = Vec::new();
    for number in (0..RECORDS).step_by(1000) {
        assert!(store.get(&key_of(number), &mut value) && value == value_of(number));
    }
}
