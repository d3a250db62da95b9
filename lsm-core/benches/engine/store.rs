//! What is compared: any store that can do the same few things, and two that can.

use std::cell::RefCell;
use std::path::Path;

use lsm_core::{Batch, Db, Options};

/// One store, open for the whole of a round.
pub(crate) trait Store {
    fn put(&self, key: &[u8], value: &[u8]);
    /// Puts pairs as one.
    fn put_all(&self, pairs: &[([u8; 16], [u8; 100])]);
    /// Fills `value`; false if the key is missing.
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool;
    /// Hands over the value of each key, where there is one, by its number among the keys: looked
    /// up one after the other, or with the store's own call for many.
    fn get_all(&self, keys: &[[u8; 16]], is_at_once: bool, each: &mut dyn FnMut(usize, &[u8]));
    /// Hands over all pairs in order, or backwards.
    fn scan(&self, is_forward: bool, each: &mut dyn FnMut(&[u8], &[u8]));
    /// Hands over `count` pairs from the first key at or behind each of `keys`.
    fn seeks(
        &self,
        keys: &mut dyn Iterator<Item = [u8; 16]>,
        count: usize,
        each: &mut dyn FnMut(&[u8], &[u8]),
    );
    /// Returns once what was written stands in tables and the background is idle.
    fn settle(&self);
}

/// The memory that each store may use for each of its memtables.
pub(crate) const MEMTABLE_BYTES: usize = 64 << 20;

/// The memory that each store may use for its cache, which holds all of so many records.
pub(crate) fn cache_bytes(records: u64) -> usize {
    (records as usize * 192).max(256 << 20)
}

pub(crate) struct Ours(Db, RefCell<Batch>);

impl Ours {
    pub(crate) fn open(dir: &Path, cache_bytes: usize) -> Self {
        let options = Options::new()
            .memory_limit((cache_bytes + 3 * MEMTABLE_BYTES) as u64)
            .memtable_bytes(MEMTABLE_BYTES as u64);
        Self(Db::builder(dir).options(options).open().unwrap(), RefCell::default())
    }
}

impl Store for Ours {
    fn put(&self, key: &[u8], value: &[u8]) {
        self.0.put(key, value).unwrap();
    }

    fn put_all(&self, pairs: &[([u8; 16], [u8; 100])]) {
        let mut batch = self.1.borrow_mut();
        batch.clear();
        for (key, value) in pairs {
            batch.put(&self.0, key, value);
        }
        self.0.write(&batch).unwrap();
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        self.0.get_into(key, value).unwrap()
    }

    fn get_all(&self, keys: &[[u8; 16]], is_at_once: bool, each: &mut dyn FnMut(usize, &[u8])) {
        if is_at_once {
            let values = self.0.get_many(keys).unwrap();
            let found = values.iter().enumerate();
            found.for_each(|(at, value)| value.iter().for_each(|value| each(at, value)));
            return;
        }
        for (at, key) in keys.iter().enumerate() {
            self.0.get(key).unwrap().iter().for_each(|value| each(at, value));
        }
    }

    fn scan(&self, is_forward: bool, each: &mut dyn FnMut(&[u8], &[u8])) {
        let mut cursor = self.0.cursor(..);
        if is_forward {
            while let Some((key, value)) = cursor.next().unwrap() {
                each(key, value);
            }
            return;
        }
        cursor.seek_last().unwrap();
        while let Some((key, value)) = cursor.prev().unwrap() {
            each(key, value);
        }
    }

    fn seeks(
        &self,
        keys: &mut dyn Iterator<Item = [u8; 16]>,
        count: usize,
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let mut cursor = self.0.cursor(..);
        for key in keys {
            cursor.seek(&key).unwrap();
            for _ in 0..count {
                let Some((key, value)) = cursor.next().unwrap() else { break };
                each(key, value);
            }
        }
    }

    fn settle(&self) {
        self.0.flush().unwrap();
        self.0.wait_idle().unwrap();
    }
}

/// A store that does nothing: what the harness itself costs.
pub(crate) struct Nothing(pub(crate) u64);

impl Store for Nothing {
    fn put(&self, _: &[u8], _: &[u8]) {}

    fn put_all(&self, _: &[([u8; 16], [u8; 100])]) {}

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        let number = crate::workload::number_of(key);
        value.clear();
        value.extend_from_slice(&crate::workload::value_of(number));
        number < self.0
    }

    fn get_all(&self, keys: &[[u8; 16]], _: bool, each: &mut dyn FnMut(usize, &[u8])) {
        for (at, key) in keys.iter().enumerate() {
            each(at, &crate::workload::value_of(crate::workload::number_of(key)));
        }
    }

    fn scan(&self, is_forward: bool, each: &mut dyn FnMut(&[u8], &[u8])) {
        let mut hand = |number| {
            each(&crate::workload::key_of(number), &crate::workload::value_of(number));
        };
        if is_forward { (0..self.0).for_each(&mut hand) } else { (0..self.0).rev().for_each(hand) }
    }

    fn seeks(
        &self,
        keys: &mut dyn Iterator<Item = [u8; 16]>,
        count: usize,
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        for key in keys {
            let from = crate::workload::number_of(&key);
            for number in from..(from + count as u64).min(self.0) {
                each(&crate::workload::key_of(number), &crate::workload::value_of(number));
            }
        }
    }

    fn settle(&self) {}
}
