//! A compaction filter, in the random model.
//!
//! When a value is shown to the filter is the engine's to decide, so a value that the filter would
//! change is in doubt until it has: after each act it is looked at what has become of those. In a
//! simulated world nothing happens between two acts, so whatever an act begins with is known. What
//! snapshots, iterators and cursors see never is in doubt, and once a keyspace is compacted that no
//! snapshot sees, nothing is.

use std::sync::Arc;

use lsm_core::options::keyspace::{KeyspaceOptions, Strategy};
use lsm_core::{CompactionFilter, FilterContext, FilterDecision, Result};

use super::{NAMES, Place, Player};
use crate::harness::engine::acts::{Act, bound_of};
use crate::harness::engine::player_reads::{Done, said, same};
use crate::harness::engine::reference::{DEFAULT, Pairs, Swept, swept};

/// The filter of the model.
pub struct Broom;

impl CompactionFilter for Broom {
    fn name(&self) -> &str {
        "model.broom"
    }

    fn filter(&self, _: &[u8], value: &[u8], _: &FilterContext<'_>) -> Result<FilterDecision> {
        Ok(match swept(value) {
            Swept::Stays => FilterDecision::Keep,
            Swept::Goes => FilterDecision::Remove,
            Swept::Becomes(other) => FilterDecision::Replace(other),
        })
    }
}

/// Options of a keyspace that is swept and takes no operands, for some numbers.
pub fn sweeping(number: u64, options: &KeyspaceOptions) -> Option<KeyspaceOptions> {
    let is_rewritten = !matches!(options.get_strategy(), Strategy::Fifo { .. });
    let is_chosen = is_rewritten && number / 18 % 3 == 1;
    is_chosen.then(|| options.clone().compaction_filter("model.broom"))
}

/// The same of the default keyspace, in some plays. On a machine tables are merged at any time, so
/// that nothing would ever be known.
pub fn sweeping_default(place: &Place, seed: u64) -> Option<KeyspaceOptions> {
    let is_chosen = matches!(place, Place::Simulated { .. }) && seed % 4 == 3;
    let strategies = [
        Strategy::Leveled { ratio: 2 },
        Strategy::Tiered { runs_max: 2 },
        Strategy::Lazy { runs_max: 2 },
        Strategy::Leveled { ratio: 10 },
    ];
    let options = KeyspaceOptions::new().strategy(strategies[(seed / 4 % 4) as usize].clone());
    is_chosen.then(|| options.compaction_filter("model.broom"))
}

impl Player {
    /// Takes in what the filter has done by now.
    pub(super) fn settle(&mut self) -> Done {
        let Some(db) = &self.db else { return Ok(()) };
        for name in NAMES {
            let Some(id) = self.contents.id(name) else { continue };
            if !self.contents.has_doubt(id) {
                continue;
            }
            let keyspace = match name {
                DEFAULT => db.default_keyspace().clone(),
                name => db.keyspace(name).map_err(said)?,
            };
            let mut found = Pairs::new();
            for pair in keyspace.iter() {
                let (key, value) = pair.map_err(said)?;
                found.insert(key.to_vec(), Arc::from(&value[..]));
            }
            self.contents.settle(id, &found);
        }
        Ok(())
    }

    /// True if a filter may have changed or taken away by now what the reference has.
    pub(super) fn is_in_doubt(&self, id: u64, key: &[u8]) -> bool {
        let value = self.contents.pairs(id).get(key);
        self.contents.is_swept(id) && value.is_some_and(|value| swept(value) != Swept::Stays)
    }

    /// Compacts some range; where values are swept, most often everything.
    pub(super) fn compact(&mut self, act: &Act) -> Done {
        let [a, b, c, _] = act.args;
        let (name, keyspace) = self.keyspace(a)?;
        let id = self.contents.id(&name).unwrap();
        if !self.contents.is_swept(id) || b % 4 == 0 {
            return keyspace.compact((bound_of(b), bound_of(c))).map_err(said);
        }
        keyspace.compact(..).map_err(said)?;
        self.settle()?;
        // Iterators of a snapshot hold it, too.
        if self.db()?.stats().snapshots == 0 {
            same("values that the filter was not shown", self.contents.has_doubt(id), false)?;
        }
        Ok(())
    }
}
