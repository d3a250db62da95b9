//! Merge operands: how they are written, and what a rewrite has to know of them.
//!
//! Operands of one key are counted as they are written, about, by the hash of the key. A key that
//! has got many of them in memory is then put anew with what they come to, so that reading it does
//! not take longer and longer.

use std::sync::Arc;
use std::time::Duration;

use crate::base::checksum::hash64;
use crate::base::error::Result;
use crate::base::scratch::Scratch;
use crate::batch::{Record, Records};
use crate::condition::{Conditions, Wanted};
use crate::cursor::contract::Cursor;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::merging::LONG;
use crate::engine::state::Engine;
use crate::engine::write::Writing;
use crate::fold::{Mergers, Rule};
use crate::key::full::{FullKey, user_key};
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{NEWEST, kind_of};
use crate::merge::operand::split;
use crate::options::durability::Durability;
use crate::options::write::WriteOptions;
use crate::read::access::Usual;
use crate::read::get::get;
use crate::read::view::View;
use crate::stats::looked::Looked;

/// A value that is so many times as long as its operands is not worth writing anew for them.
const WORTH_SHARE: usize = 8;
/// Values up to here always are.
const SMALL_BYTES: usize = 16 << 10;

impl Engine {
    /// The keyspace of this number, if it has a merge operator.
    #[must_use]
    pub fn merging_keyspace(&self, id: KeyspaceId) -> Option<Arc<KeyspaceState>> {
        if !self.keyspaces.has_mergers() {
            return None;
        }
        self.keyspaces.by_id(id).filter(|keyspace| keyspace.merger.is_some())
    }

    /// Writes records some of which may be merge operands.
    // Most writes are not to carry this along.
    #[inline(never)]
    pub(super) fn write_merging(&self, writing: &Writing<'_>) -> Result<SeqNo> {
        let is_operand = |record: &Record<'_>| record.kind == Kind::Merge;
        let operands = writing.records.iter().flatten().filter(is_operand);
        let mut stamps = operands.filter_map(|record| Some(split(record.value).ok()?.0.millis));
        let Some(first) = stamps.next() else {
            return self.write(&Writing { is_stamped: true, ..*writing });
        };
        // Salvage brings operands that are stamped.
        let oldest = stamps.chain([first]).filter(|millis| *millis != 0).min();
        let written = {
            let clock = self.env.clock.as_ref();
            let (now, way) = self.merging.begin(clock, oldest.unwrap_or(u64::MAX));
            let records = writing.records.stamped(now, Scratch::Stamped.take());
            let written = self.write(&Writing { records: &records, is_stamped: true, ..*writing });
            Scratch::Stamped.keep(records.into_bytes());
            // They are in one of these, or in a table already, which knows by itself.
            self.view.load().memtables().for_each(|memtable| memtable.note_merge(way.millis()));
            written
        };
        if written.is_ok() {
            self.shorten_chains(writing);
        }
        written
    }

    /// Puts keys anew that have got many operands.
    fn shorten_chains(&self, writing: &Writing<'_>) {
        for record in writing.records.iter().flatten().filter(|it| it.kind == Kind::Merge) {
            let key = FullKey::new(record.keyspace, record.key);
            let hash = hash64(key.bytes());
            if !self.merging.count(hash) {
                continue;
            }
            let keyspace = writing.keyspaces.iter().find(|it| it.id == record.keyspace);
            // The operands are written: if this fails, another one will try again.
            if let Some(Ok(true)) = keyspace.map(|it| self.shorten(it, &key, writing.options)) {
                self.merging.forget(hash);
            }
        }
    }

    /// Puts a key anew with what its operands come to, if there are many in memory and nobody
    /// writes to it meanwhile. False if it was not worth it.
    fn shorten(
        &self,
        keyspace: &Arc<KeyspaceState>,
        key: &FullKey,
        options: &WriteOptions,
    ) -> Result<bool> {
        // The view comes first: what is visible by then stands in it.
        let view = self.view.load();
        let at = self.as_of_now();
        let (operands, operand_bytes) = operands_in_memory(&view, key)?;
        if operands < LONG / 2 {
            return Ok(true);
        }
        let user_key = user_key(key.bytes());
        let question = self.question(key.bytes(), Some(at)).merging(keyspace.merger.as_deref());
        // No read of the program's, so it is not counted as one.
        let found = get(Usual, &view, &question, &mut Looked::default(), |found| {
            let bytes = found.bytes();
            let is_worth_it =
                bytes.len() <= SMALL_BYTES || bytes.len() / WORTH_SHARE <= operand_bytes;
            let end = found.expiry_millis();
            is_worth_it.then(|| (bytes.to_vec(), end))
        })?;
        let Some(found) = found else { return Ok(true) };
        let Some((value, end)) = found else { return Ok(false) };
        let mut records = Records::default();
        match end {
            0 => records.push(Record {
                kind: Kind::Put,
                keyspace: keyspace.id,
                key: user_key,
                value: &value,
            })?,
            end => records.push_expiring(keyspace.id, user_key, &value, end)?,
        }
        let mut conditions = Conditions::default();
        conditions.push(keyspace.id, user_key, Wanted::Unchanged(at.seqno))?;
        if keyspace.sieve.is_some() {
            // What a filter takes away meanwhile is not to come back by this.
            conditions.push(keyspace.id, user_key, Wanted::Value(value.clone()))?;
        }
        let is_volatile = options.get_durability() == Some(Durability::Volatile);
        let durability = if is_volatile { Durability::Volatile } else { Durability::Buffered };
        // Whoever has merged waits for nothing more.
        let options = &WriteOptions::new().durability(durability).timeout(Duration::ZERO);
        let keyspaces = std::slice::from_ref(keyspace);
        let (records, conditions, is_stamped) = (&records, &conditions, true);
        let apart = None;
        let writing = Writing { records, keyspaces, conditions, options, is_stamped, apart };
        self.write(&writing).map(|_| true)
    }

    /// What has expired by this time is seen by no reader of a keyspace, now or to come, and no
    /// merge operand belongs to it.
    #[must_use]
    pub fn expired_millis_in(&self, keyspace: &KeyspaceState) -> u64 {
        let expired = self.expired_millis();
        if keyspace.merger.is_none() {
            return expired;
        }
        // In this order: what was on its way before, the view has.
        let on_its_way = self.merging.oldest();
        let view = self.view.load();
        let in_memory = view.memtables().map(|memtable| memtable.merge_min_millis()).min();
        let tree = view.version.tree(keyspace.id);
        let slices = tree.iter().flat_map(|tree| tree.slices());
        let in_tables = slices.map(|slice| slice.file.meta.merge_min_millis);
        let in_tables = in_tables.filter(|millis| *millis != 0).min();
        let all = [Some(on_its_way), in_memory, in_tables].into_iter().flatten();
        all.fold(expired, u64::min)
    }

    /// Whose operands and single deletes are folded when tables are written, of one keyspace or of
    /// all.
    #[must_use]
    pub fn mergers(&self, only: Option<KeyspaceId>) -> Mergers {
        if !self.keyspaces.are_folded() {
            return Mergers::default();
        }
        let view = self.view.load();
        let rule = |keyspace: &Arc<KeyspaceState>| {
            let (merger, is_write_once) =
                (keyspace.merger.clone(), keyspace.options.is_write_once());
            if merger.is_none() && !is_write_once {
                return None;
            }
            let tree = view.version.tree(keyspace.id);
            let mut slices = tree.iter().flat_map(|tree| tree.slices());
            let may_expire = slices.any(|slice| {
                let meta = &slice.file.meta;
                meta.expiry_min_millis != 0 || meta.merge_ends != 0
            });
            Some((
                keyspace.id,
                Rule { merger, may_expire, is_write_once, blobs: Some(self.home.blobs.clone()) },
            ))
        };
        let all = self.keyspaces.all();
        let wanted = all.iter().filter(|it| only.is_none_or(|only| only == it.id));
        Arc::new(wanted.filter_map(rule).collect())
    }
}

/// How many operands of a key stand in memtables above everything else of it, and how long they
/// are. The count stops where it is long enough.
fn operands_in_memory(view: &View, key: &FullKey) -> Result<(u32, usize)> {
    let (mut count, mut bytes) = (0u32, 0usize);
    for memtable in view.memtables() {
        let mut cursor = memtable.cursor();
        cursor.seek(key.bytes(), NEWEST)?;
        while cursor.is_valid() && cursor.key() == key.bytes() {
            if kind_of(cursor.trailer()) != Some(Kind::Merge) {
                return Ok((count, bytes));
            }
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(cursor.value().len());
            cursor.next()?;
        }
    }
    Ok((count, bytes))
}
