//! Histories of several threads, and whether one moment after the other explains them.
//!
//! Every commit has its number and every snapshot has one, so what a reader must have seen follows
//! from the numbers alone: of each key the newest version up to its own. A clock that all threads
//! share says what had ended before what began; that order must be kept, too.

use std::collections::BTreeMap;

/// A key of any keyspace.
pub type Key = u8;
/// What a key holds: no two writes write the same number.
pub type Value = Option<u64>;

/// The ticks at which a call began and had ended.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub begun: u64,
    pub ended: u64,
}

/// What one call did or saw.
#[derive(Clone, Debug)]
pub enum Event {
    /// A batch with these numbers; it was to fail if somebody had written to the keys it was sure
    /// of since a snapshot.
    Commit { first: u64, last: u64, writes: Vec<(Key, Value)>, sure_of: Option<(u64, Vec<Key>)> },
    /// A batch that was refused because of one of these keys.
    Refused { since: u64, keys: Vec<Key> },
    /// What a snapshot of this number shows. Its span is that of taking it.
    View { seqno: u64, seen: Vec<(Key, Value)> },
    /// What one call has seen of the newest state.
    Look { seen: Vec<(Key, Value)> },
}

/// Versions of one key, by number: what it held from then on, and when that was written.
type Versions = BTreeMap<u64, (Value, Span)>;

/// All that happened, in the order in which the calls ended.
pub struct History {
    events: Vec<(Span, Event)>,
    versions: BTreeMap<Key, Versions>,
    /// By their last numbers, the first ones.
    commits: BTreeMap<u64, (u64, Span)>,
}

/// From when on nobody may see less than what: ticks and numbers, both growing.
#[derive(Default)]
struct Floors(Vec<(u64, u64)>);

impl Floors {
    fn raise(&mut self, ended: u64, seqno: u64) {
        let highest = self.0.last().map_or(0, |last| last.1);
        self.0.push((ended, highest.max(seqno)));
    }

    /// The lowest number that a call that begins at this tick may see.
    fn at(&self, begun: u64) -> u64 {
        let count = self.0.partition_point(|(ended, _)| *ended < begun);
        self.0[..count].last().map_or(0, |last| last.1)
    }
}

impl History {
    pub fn new(mut events: Vec<(Span, Event)>) -> Self {
        events.sort_by_key(|(span, _)| span.ended);
        let mut history = Self { events, versions: BTreeMap::new(), commits: BTreeMap::new() };
        for (span, event) in &history.events {
            let Event::Commit { first, last, writes, .. } = event else { continue };
            history.commits.insert(*last, (*first, *span));
            for &(key, value) in writes {
                history.versions.entry(key).or_default().insert(*last, (value, *span));
            }
        }
        history
    }

    /// What is wrong with it, if something is.
    pub fn check(&self) -> Result<(), String> {
        let mut end = 0;
        for (last, (first, _)) in &self.commits {
            if *first <= end {
                return Err(format!("{first} to {last} overlaps the commit before"));
            }
            end = *last;
        }
        let mut floors = Floors::default();
        for (span, event) in &self.events {
            let floor = floors.at(span.begun);
            let seen = self.check_one(*span, event, floor);
            let seqno = seen.map_err(|why| format!("{why}: {event:?} at {span:?}"))?;
            floors.raise(span.ended, seqno);
        }
        Ok(())
    }

    /// Answers the number of the moment that this event shows.
    fn check_one(&self, span: Span, event: &Event, floor: u64) -> Result<u64, String> {
        match event {
            Event::Commit { first, last, sure_of, .. } => {
                let is_mine = self.commits.get(last).is_some_and(|(_, of)| of.ended == span.ended);
                if !is_mine {
                    return Err(format!("two commits have the number {last}"));
                }
                if *first <= floor {
                    return Err(format!("{floor} had been seen before"));
                }
                self.check_sure(*first, sure_of.as_ref()).map(|()| *last)
            }
            Event::Refused { since, keys } => {
                self.check_refused(span, *since, keys).map(|()| floor)
            }
            Event::View { seqno, seen } => {
                self.check_view(span, *seqno, seen, floor).map(|()| *seqno)
            }
            Event::Look { seen } => self.check_look(span, seen, floor),
        }
    }

    /// What `key` held at this number.
    fn at(&self, key: Key, seqno: u64) -> Value {
        let versions = self.versions.get(&key)?;
        versions.range(..=seqno).next_back().and_then(|(_, (value, _))| *value)
    }

    /// Nobody sees what is not written yet.
    fn check_begun(&self, span: Span, seqno: u64) -> Result<(), String> {
        match self.commits.range(..=seqno).next_back() {
            Some((last, (_, commit))) if commit.begun > span.ended => {
                Err(format!("{last} had not begun"))
            }
            _ => Ok(()),
        }
    }

    fn check_view(
        &self,
        span: Span,
        seqno: u64,
        seen: &[(Key, Value)],
        floor: u64,
    ) -> Result<(), String> {
        if seqno < floor {
            return Err(format!("{floor} had been seen before"));
        }
        self.check_begun(span, seqno)?;
        let next = self.commits.range(seqno + 1..).next();
        if next.is_some_and(|(_, (first, _))| *first <= seqno) {
            return Err("a moment in the middle of a batch".to_owned());
        }
        for &(key, value) in seen {
            let then = self.at(key, seqno);
            if then != value {
                return Err(format!("key {key} held {then:?}"));
            }
        }
        Ok(())
    }

    /// Looks for a moment that shows all of it, from the lowest allowed on. Answers its number.
    fn check_look(&self, span: Span, seen: &[(Key, Value)], floor: u64) -> Result<u64, String> {
        let mut moment = floor;
        loop {
            let mut next = moment;
            for &(key, value) in seen {
                next = next.max(self.when(key, value, moment)?);
            }
            if next == moment {
                return self.check_begun(span, moment).map(|()| moment);
            }
            moment = next;
        }
    }

    /// The first number from this one on at which `key` held the value.
    fn when(&self, key: Key, value: Value, from: u64) -> Result<u64, String> {
        if self.at(key, from) == value {
            return Ok(from);
        }
        let later = self
            .versions
            .get(&key)
            .and_then(|versions| versions.range(from + 1..).find(|(_, (held, _))| *held == value));
        let missing = || format!("key {key} did not hold {value:?} from {from} on");
        later.map(|(seqno, _)| *seqno).ok_or_else(missing)
    }

    /// Nobody has written in between; a key that had no value and has none may count as unchanged.
    fn check_sure(&self, first: u64, sure_of: Option<&(u64, Vec<Key>)>) -> Result<(), String> {
        let Some((since, keys)) = sure_of else { return Ok(()) };
        for &key in keys {
            let between = |versions: &Versions| versions.range(since + 1..first).next().is_some();
            let is_absent = [*since, first - 1].iter().all(|seqno| self.at(key, *seqno).is_none());
            if !is_absent && self.versions.get(&key).is_some_and(between) {
                return Err(format!("key {key} was written to since {since}"));
            }
        }
        Ok(())
    }

    /// Somebody has.
    fn check_refused(&self, span: Span, since: u64, keys: &[Key]) -> Result<(), String> {
        let is_reason = |versions: &Versions| {
            versions.range(since + 1..).any(|(_, (_, written))| written.begun < span.ended)
        };
        match keys.iter().any(|key| self.versions.get(key).is_some_and(is_reason)) {
            true => Ok(()),
            false => Err(format!("nobody has written to any of them since {since}")),
        }
    }
}

/// The mistakes that a checker is for.
mod tests {
    use super::{Event, History, Key, Span, Value};

    fn commit(begun: u64, last: u64, writes: &[(Key, Value)]) -> (Span, Event) {
        let (first, writes) = (last + 1 - writes.len() as u64, writes.to_vec());
        let event = Event::Commit { first, last, writes, sure_of: None };
        (Span { begun, ended: begun + 5 }, event)
    }

    fn view(begun: u64, seqno: u64, seen: &[(Key, Value)]) -> (Span, Event) {
        (Span { begun, ended: begun + 1 }, Event::View { seqno, seen: seen.to_vec() })
    }

    fn look(begun: u64, ended: u64, seen: &[(Key, Value)]) -> (Span, Event) {
        (Span { begun, ended }, Event::Look { seen: seen.to_vec() })
    }

    /// Two batches of two keys each, 1 to 2 at 10 and 3 to 4 at 20, and something else.
    fn verdict(more: &[(Span, Event)]) -> Result<(), String> {
        let mut events = vec![
            commit(10, 2, &[(0, Some(1)), (1, Some(2))]),
            commit(20, 4, &[(0, Some(3)), (1, None)]),
        ];
        events.extend_from_slice(more);
        History::new(events).check()
    }

    #[test]
    fn what_one_moment_explains_is_right() {
        verdict(&[
            view(16, 2, &[(0, Some(1)), (1, Some(2)), (7, None)]),
            view(21, 2, &[(0, Some(1))]),
            view(21, 4, &[(0, Some(3)), (1, None)]),
            look(1, 30, &[(0, Some(1)), (1, Some(2))]),
            look(22, 23, &[(0, Some(3)), (1, None)]),
        ])
        .unwrap();
    }

    #[test]
    fn what_no_moment_explains_is_found() {
        let wrong: &[(&str, &[(Span, Event)])] = &[
            ("held", &[view(30, 4, &[(0, Some(1))])]),
            ("middle of a batch", &[view(21, 3, &[])]),
            ("had been seen", &[view(30, 2, &[(0, Some(1))])]),
            ("seen before", &[view(21, 4, &[]), view(23, 2, &[])]),
            ("not begun", &[view(12, 4, &[(0, Some(3))])]),
            ("did not hold", &[look(21, 23, &[(0, Some(1)), (1, None)])]),
            ("did not hold", &[look(30, 31, &[(0, Some(1))])]),
            ("did not hold", &[look(30, 31, &[(0, Some(9))])]),
            ("not begun", &[look(11, 12, &[(0, Some(3))])]),
            ("did not hold", &[look(20, 21, &[(0, Some(3))]), look(22, 23, &[(0, Some(1))])]),
            ("two commits", &[commit(30, 4, &[(5, None)])]),
            ("overlaps", &[commit(30, 5, &[(5, None), (6, None)])]),
            ("seen before", &[commit(1, 9, &[(5, None)])]),
        ];
        for (what, more) in wrong {
            let why = verdict(more).expect_err(what);
            assert!(why.contains(what), "{what}: {why}");
        }
    }

    #[test]
    fn conditions_are_held_against_what_others_wrote() {
        let batch = |since, key| {
            let writes = vec![(key, Some(50))];
            let sure_of = Some((since, vec![key]));
            let event = Event::Commit { first: 5, last: 5, writes, sure_of };
            [(Span { begun: 30, ended: 31 }, event)]
        };
        verdict(&batch(4, 0)).unwrap();
        verdict(&batch(2, 7)).unwrap();
        verdict(&batch(2, 0)).unwrap_err();
        let refused = |since, key| {
            [(Span { begun: 30, ended: 31 }, Event::Refused { since, keys: vec![key] })]
        };
        verdict(&refused(2, 0)).unwrap();
        verdict(&refused(4, 0)).unwrap_err();
        verdict(&refused(0, 7)).unwrap_err();
    }
}
