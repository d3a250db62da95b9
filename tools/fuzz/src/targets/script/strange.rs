//! Cursors, conditions, and calls that nobody means.

use std::ops::Bound;
use std::path::Path;
use std::time::Duration;

use lsm_core::env::sim::world::SimWorld;
use lsm_core::{Batch, Db, ErrorKind, Expiry, KeyspaceOptions, Options, WriteOptions};

use crate::place::PATH;
use crate::targets::script::{KEY_MAX, Player};

impl Player<'_> {
    pub(super) fn cursor(&mut self) {
        let (keyspace, key) = (self.keyspace(), self.key());
        let steps: Vec<u8> = (0..self.input.u8() % 8).map(|_| self.input.u8()).collect();
        let model = self.model(&keyspace);
        let mut all: Vec<_> = model.pairs.clone().into_iter().collect();
        if model.is_reverse {
            all.reverse();
        }
        let is_before =
            |other: &Vec<u8>| if model.is_reverse { *other > key } else { *other < key };
        let mut at = all.iter().take_while(|(other, _)| is_before(other)).count();
        let mut cursor = keyspace.cursor(..);
        if cursor.seek(&key).is_err() {
            return assert!(key.len() > KEY_MAX / 2, "a key is not sought");
        }
        for step in steps {
            let (found, expected) = if step % 2 == 0 {
                at += 1;
                (cursor.next(), all.get(at - 1))
            } else {
                let before = at.checked_sub(1);
                (cursor.prev(), before.and_then(|before| all.get(before)))
            };
            let found =
                found.expect("a cursor fails").map(|(key, value)| (key.to_vec(), value.to_vec()));
            if step % 2 == 1 || found.is_none() {
                // What a cursor shows behind either end, and after it turns, has a test of its own.
                break;
            }
            assert_eq!(found.as_ref(), expected, "a cursor shows something else");
        }
    }

    pub(super) fn condition(&mut self) {
        let (keyspace, key, wanted) = (self.keyspace(), self.key(), self.value());
        if key.len() > KEY_MAX / 2 {
            return;
        }
        let is_there = self.model(&keyspace).pairs.get(&key).cloned();
        let mut batch = Batch::new();
        if wanted.is_empty() {
            batch.require_absent(&keyspace, &key);
        } else {
            batch.require_value(&keyspace, &key, &wanted);
        }
        batch.put(&keyspace, &key, "written");
        let is_so = is_there
            .as_ref()
            .map_or(wanted.is_empty(), |value| *value == wanted && !wanted.is_empty());
        match self.db().write(&batch) {
            Ok(_) => {
                assert!(is_so, "a batch is written whose condition does not hold");
                self.model(&keyspace).pairs.insert(key, b"written".to_vec());
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                assert!(!is_so, "a batch is refused whose condition holds");
            }
        }
    }

    /// Calls that nobody means.
    pub(super) fn nonsense(&mut self) {
        let (what, bytes) = (self.input.u8() % 12, self.input.piece());
        let text = String::from_utf8_lossy(bytes);
        let db = self.db();
        let long = "x".repeat(256);
        match what {
            0 => assert!(db.keyspace("").is_err()),
            1 => assert!(db.keyspace(&long).is_err()),
            2 => drop((Options::parse(&text), KeyspaceOptions::parse(&text))),
            3 => {
                let made = Options::parse(&text).and_then(|options| {
                    let world = SimWorld::new(9);
                    Db::builder(Path::new(PATH)).options(options).env(world.env()).open()?.close()
                });
                drop(made);
            }
            4 => drop(db.split_points((Bound::Included("z"), Bound::Excluded("a")), usize::MAX)),
            5 => drop(db.put_with("k", "v", &WriteOptions::new().expiry(Expiry::At(0)))),
            6 => {
                let far = WriteOptions::new().ttl(Duration::MAX);
                db.put_with("for ever", "v", &far).expect("a far moment is refused");
                self.model
                    .get_mut("default")
                    .unwrap()
                    .pairs
                    .insert(b"for ever".to_vec(), b"v".to_vec());
            }
            7 => drop(db.drop_keyspace("default")),
            8 => drop(db.wait_durable_for(lsm_core::SeqNo::MAX, Some(Duration::ZERO))),
            9 => drop((db.doctor(), db.stats(), db.usage(), db.verify().expect("it is damaged"))),
            10 => drop(db.write(&Batch::new())),
            _ => drop((db.touch(bytes, Expiry::Never), db.prefix(bytes).rev().count())),
        }
        if what == 5 {
            self.model.get_mut("default").unwrap().pairs.remove(&b"k"[..]);
        }
    }
}
