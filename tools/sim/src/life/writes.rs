//! Writes: what an act means, and what other clients do meanwhile.

use std::time::Duration;

use lsm_core::Durability;
use lsm_core::env::sim::rng::Rng;

use super::{Life, Lived};
use crate::acts::{Act, CLIENTS, key_of, value_of, value_of_size};
use crate::deed::{Condition, Deed, Write};
use crate::found::may_show;
use crate::model::{Change, End};
use crate::swarm::{Kept, NAMES};

impl Life {
    /// One write of one client.
    pub(super) fn write(&mut self, act: &Act) -> Lived {
        let [a, b, c, d] = act.args;
        let client = a % CLIENTS;
        let space = self.name(a / 3);
        let mut write = self.blank(d);
        match act.verb {
            'b' | 'c' => {
                let mut rng = Rng::new(b ^ c << 16);
                let count = if rng.below(12) == 0 { 24 } else { 1 + rng.below(6) };
                for _ in 0..count {
                    let space = self.name(rng.draw() % 64);
                    let verb = ['p', 'p', 'p', 'd', 'm', 'r'][rng.below(6) as usize];
                    let numbers = (rng.below(1 << 16), rng.below(1 << 16));
                    let change = self.change(verb, space, client, numbers);
                    write.changes.push(change);
                }
                if act.verb == 'c' {
                    self.require(&mut write, client, &mut rng);
                }
            }
            verb => write.changes.push(self.change(verb, space, client, (b, c))),
        }
        self.do_among(Deed::Write(write), d / 7)
    }

    /// A write of nothing, as durable as most, or not.
    pub(super) fn blank(&self, number: u64) -> Write {
        let durability = match number % 12 {
            0 => Durability::Durable,
            1 | 2 if self.swarm.has_volatile => Durability::Volatile,
            3 => Durability::Buffered,
            _ => self.swarm.durability,
        };
        let is_hasty = self.swarm.has_timeouts && number / 12 % 6 == 0;
        let timeout =
            is_hasty.then(|| Duration::from_millis([0, 5, 2000][(number / 72 % 3) as usize]));
        Write {
            changes: Vec::new(),
            conditions: Vec::new(),
            durability,
            timeout,
            minute: self.minute,
        }
    }

    /// One change of a client's keys.
    pub(super) fn change(
        &mut self,
        verb: char,
        space: &'static str,
        client: u64,
        (b, c): (u64, u64),
    ) -> Change {
        self.serial += 1;
        let key = key_of(client, b);
        let takes_operands = self.now.space(space).is_some_and(|it| it.kept.operator.is_some());
        match verb {
            'd' => Change::Delete(space, key),
            'r' => {
                let (from, to) = (key_of(client, b), key_of(client, c));
                Change::DeleteRange(space, from.clone().min(to.clone()), from.max(to))
            }
            'm' if takes_operands => {
                let operand = value_of_size(c, self.serial, 3 + c % 9);
                Change::Merge(space, key, operand, self.some_end(b / 32))
            }
            'L' => {
                let size = [5000, 1200, 9000][(c % 3) as usize];
                Change::Put(space, key, value_of_size(c, self.serial, size), End::Usual)
            }
            _ => Change::Put(space, key, value_of(c, self.serial), self.some_end(b / 32)),
        }
    }

    fn some_end(&self, number: u64) -> End {
        match number % 14 {
            0 => End::Never,
            1 | 2 => End::At(self.minute + 60 * (number / 14 % 4) + 30),
            3 => End::At(self.minute),
            _ => End::Usual,
        }
    }

    /// Asks for something of a client's keys, which is so or is not.
    fn require(&self, write: &mut Write, client: u64, rng: &mut Rng) {
        for _ in 0..1 + rng.below(2) {
            let space = self.name(rng.below(64));
            if self.now.space(space).is_some_and(|space| space.kept.is_swept) {
                continue;
            }
            let key = key_of(client, rng.below(1 << 16));
            let there = self.now.get(space, &key).map(|entry| entry.value.to_vec());
            let value = match rng.below(4) {
                0 => None,
                1 => Some(b"something else".to_vec()),
                _ => there,
            };
            write.conditions.push(Condition { space, key, value });
        }
    }

    /// Whether everything is so that a write asks for.
    pub(super) fn holds(&self, write: &Write) -> bool {
        write.conditions.iter().all(|Condition { space, key, value }| {
            may_show(self.now.get(space, key), false, value.as_deref())
        })
    }

    /// What others do while somebody waits for this deed: they keep to their own keys.
    pub(super) fn others(&mut self, deed: &Deed, chance: u64) -> Vec<Deed> {
        if !self.swarm.has_meanwhile || chance % 3 != 0 {
            return Vec::new();
        }
        let mut rng = Rng::new(self.seed ^ chance ^ self.serial << 20);
        let own = match deed {
            Deed::Write(write) => client_of(&write.changes),
            _ => None,
        };
        let own = own.unwrap_or(CLIENTS);
        let mut deeds = Vec::new();
        for _ in 0..1 + rng.below(5) {
            let client = rng.below(CLIENTS);
            if client == own {
                continue;
            }
            let space = self.name(rng.below(64));
            let numbers = (rng.below(1 << 16), rng.below(1 << 16));
            deeds.push(match rng.below(10) {
                0 => Deed::Get(space, key_of(client, numbers.0)),
                1 => Deed::Scan(space, b'a' + client as u8),
                2 => Deed::Sync,
                at => {
                    let mut write = self.blank(rng.below(1 << 16));
                    let verb = ['p', 'p', 'd', 'm', 'r', 'p', 'p'][at as usize - 3];
                    write.changes.push(self.change(verb, space, client, numbers));
                    // What somebody else holds meanwhile, nobody gives back.
                    write.timeout = write.timeout.or(Some(Duration::from_secs(20)));
                    Deed::Write(write)
                }
            });
        }
        deeds
    }

    /// Makes or drops a keyspace.
    pub(super) fn change_keyspaces(&mut self, act: &Act) -> Lived {
        let [a, b, c, d] = act.args;
        let name = NAMES[1 + (a % 3) as usize];
        let is_there = self.now.space(name).is_some();
        let mut write = self.blank(d);
        write.durability = Durability::Durable;
        match (act.verb, is_there) {
            // What is half dropped has to be dropped again before anything else.
            ('k', false) if !self.half_dropped.contains(&name) => {
                write.changes.push(Change::Make(name, Box::new(Kept::of(b ^ c << 3))));
            }
            ('q', true) => write.changes.push(Change::Drop(name)),
            _ => return Ok(()),
        }
        write.timeout = None;
        let db = self.db()?;
        let own = crate::world::perform(&db, &self.disk, Deed::Write(write));
        self.take_in(vec![own])
    }
}

/// Whose keys these are; nobody's if there are none.
fn client_of(changes: &[Change]) -> Option<u64> {
    let key = changes.iter().find_map(|change| match change {
        Change::Put(_, key, ..)
        | Change::Merge(_, key, ..)
        | Change::Delete(_, key)
        | Change::DeleteRange(_, key, _) => key.first(),
        Change::Make(..) | Change::Drop(_) => None,
    })?;
    Some(u64::from(key - b'a'))
}
