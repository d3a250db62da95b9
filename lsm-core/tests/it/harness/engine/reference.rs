//! The reference of the whole engine: what a database holds, in plain maps, and what of a history
//! may be found after a crash. It shares no code with the engine.
//!
//! A history is one line of commits. Keyspaces that are made and dropped stand in it too, so that
//! whatever survives is a prefix of that line, but for `Volatile` commits behind the last flush.
//! Times are numbers of disk operations: a promise can be held against a crash after any of them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use lsm_core::base::error::Error;

pub const DEFAULT: &str = "default";

/// The keyspace of scripts that a filter sweeps.
pub const SWEPT: &str = "swept";

/// The pairs of one keyspace.
pub type Pairs = BTreeMap<Vec<u8>, Arc<[u8]>>;

/// What everybody sees: the pairs of each keyspace, by its name.
pub type Shown = BTreeMap<String, Pairs>;

/// One change of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Lives as long as its keyspace lets it.
    Put(String, Vec<u8>, Arc<[u8]>),
    /// Lives until this minute; for ever without one.
    PutUntil(String, Vec<u8>, Arc<[u8]>, Option<u64>),
    /// What an operand makes of what is there. Its end, in minutes, if it gives it one: never, or
    /// this one.
    Merge(String, Vec<u8>, Arc<[u8]>, Option<Option<u64>>),
    Delete(String, Vec<u8>),
    DeleteRange(String, Bound<Vec<u8>>, Bound<Vec<u8>>),
    Make(String),
    Drop(String),
}

/// What a database holds. A keyspace that was dropped and made again is another one.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    names: BTreeMap<String, u64>,
    pairs: BTreeMap<u64, Pairs>,
    made: u64,
    /// The minute that it is.
    now: u64,
    /// How many minutes values live, in keyspaces where they do not live for ever.
    ttls: BTreeMap<u64, u64>,
    /// What operands do, in keyspaces that take any.
    operators: BTreeMap<u64, &'static str>,
    /// Keyspaces in which merges of tables show the values to the model's filter.
    swept: BTreeSet<u64>,
    /// The last minute of those that do not.
    ends: BTreeMap<(u64, Vec<u8>), u64>,
}

pub fn is_in<T: Ord + ?Sized>(key: &T, lower: Bound<&T>, upper: Bound<&T>) -> bool {
    let is_behind = match lower {
        Bound::Included(lower) => key >= lower,
        Bound::Excluded(lower) => key > lower,
        Bound::Unbounded => true,
    };
    let is_before = match upper {
        Bound::Included(upper) => key <= upper,
        Bound::Excluded(upper) => key < upper,
        Bound::Unbounded => true,
    };
    is_behind && is_before
}

impl Contents {
    /// A new database.
    pub fn new() -> Self {
        let mut contents = Self::default();
        contents.apply(&Change::Make(DEFAULT.to_owned()));
        contents
    }

    /// A database that shows this.
    pub fn of(shown: &Shown) -> Self {
        let mut contents = Self::default();
        for (name, pairs) in shown {
            contents.apply(&Change::Make(name.clone()));
            contents.pairs.insert(contents.made, pairs.clone());
        }
        contents
    }

    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.names.keys()
    }

    /// Tells this keyspace from others that had or will have its name.
    pub fn id(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// The pairs of a keyspace, empty if it was not there.
    pub fn pairs(&self, id: u64) -> &Pairs {
        static NONE: Pairs = Pairs::new();
        self.pairs.get(&id).unwrap_or(&NONE)
    }

    pub fn shown(&self) -> Shown {
        self.names.iter().map(|(name, id)| (name.clone(), self.pairs(*id).clone())).collect()
    }

    /// From now on it is this minute.
    pub fn set_now(&mut self, now: u64) {
        self.now = now;
        let over: Vec<(u64, Vec<u8>)> =
            self.ends.iter().filter(|(_, end)| **end <= now).map(|(key, _)| key.clone()).collect();
        for (id, key) in over {
            self.ends.remove(&(id, key.clone()));
            if let Some(pairs) = self.pairs.get_mut(&id) {
                pairs.remove(&key);
            }
        }
    }

    /// Values of a keyspace live so many minutes, unless they say it themselves.
    pub fn set_ttl(&mut self, name: &str, minutes: u64) {
        if let Some(id) = self.id(name) {
            self.ttls.insert(id, minutes);
        }
    }

    /// Operands of a keyspace do this.
    pub fn set_operator(&mut self, name: &str, operator: &'static str) {
        if let Some(id) = self.id(name) {
            self.operators.insert(id, operator);
        }
    }

    /// What operands of a keyspace do, if it takes any.
    pub fn operator(&self, id: u64) -> Option<&'static str> {
        self.operators.get(&id).copied()
    }

    /// Values of a keyspace go or become others, as `swept` says, whenever the engine likes.
    pub fn set_swept(&mut self, name: &str) {
        self.swept.extend(self.id(name));
    }

    pub fn is_swept(&self, id: u64) -> bool {
        self.swept.contains(&id)
    }

    /// True if there are values that will go or become others.
    pub fn has_doubt(&self, id: u64) -> bool {
        self.is_swept(id) && self.pairs(id).values().any(|value| swept(value) != Swept::Stays)
    }

    /// Takes in what of that has been done by now, where just this is in `found`.
    pub fn settle(&mut self, id: u64, found: &Pairs) {
        let Some(pairs) = self.pairs.get_mut(&id) else { return };
        pairs.retain(|key, value| match (swept(value), found.get(key)) {
            (Swept::Goes, None) => {
                self.ends.remove(&(id, key.clone()));
                false
            }
            (Swept::Becomes(other), Some(found)) if other[..] == found[..] => {
                *value = found.clone();
                true
            }
            _ => true,
        });
    }

    fn merge(&mut self, name: &str, key: &[u8], operand: &[u8], end: Option<Option<u64>>) {
        let Some(id) = self.id(name) else { return };
        let operator = self.operator(id).unwrap_or("append");
        let base = self.pairs(id).get(key).cloned();
        let before = self.end(id, key);
        let ttl = self.ttls.get(&id).map(|ttl| self.now + ttl);
        let end = match end {
            Some(end) => end,
            None => ttl.or(before),
        };
        let value = merged(operator, base.as_deref(), operand);
        self.put(name, key, &Arc::from(value), end);
        self.set_now(self.now);
    }

    /// The minute in which the value of a key expires, if it does.
    pub fn end(&self, id: u64, key: &[u8]) -> Option<u64> {
        self.ends.get(&(id, key.to_vec())).copied()
    }

    fn put(&mut self, name: &str, key: &[u8], value: &Arc<[u8]>, end: Option<u64>) {
        let Some(id) = self.id(name) else { return };
        self.pairs.entry(id).or_default().insert(key.to_vec(), value.clone());
        match end {
            Some(end) => self.ends.insert((id, key.to_vec()), end),
            None => self.ends.remove(&(id, key.to_vec())),
        };
    }

    fn pairs_of(&mut self, name: &str) -> Option<&mut Pairs> {
        self.pairs.get_mut(self.names.get(name)?)
    }

    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(name, key, value) => {
                let ttl = self.id(name).and_then(|id| self.ttls.get(&id));
                let end = ttl.map(|ttl| self.now + ttl);
                self.put(name, key, value, end);
            }
            Change::PutUntil(name, key, value, end) => {
                self.put(name, key, value, *end);
                self.set_now(self.now);
            }
            Change::Merge(name, key, operand, end) => self.merge(name, key, operand, *end),
            Change::Delete(name, key) => {
                if let Some(id) = self.id(name) {
                    self.ends.remove(&(id, key.clone()));
                }
                if let Some(pairs) = self.pairs_of(name) {
                    pairs.remove(key);
                }
            }
            Change::DeleteRange(name, lower, upper) => {
                let id = self.id(name);
                let stays = |(of, key): &(u64, Vec<u8>)| {
                    Some(*of) != id || !is_in(key, lower.as_ref(), upper.as_ref())
                };
                self.ends.retain(|end, _| stays(end));
                if let Some(pairs) = self.pairs_of(name) {
                    pairs.retain(|key, _| !is_in(key, lower.as_ref(), upper.as_ref()));
                }
            }
            Change::Make(name) => {
                if !self.names.contains_key(name) {
                    self.made += 1;
                    self.names.insert(name.clone(), self.made);
                    self.pairs.insert(self.made, Pairs::new());
                }
            }
            Change::Drop(name) => {
                if let Some(id) = self.names.remove(name) {
                    self.pairs.remove(&id);
                }
            }
        }
    }
}

/// What one operand makes of a value. The last two operators are the model's own.
pub fn merged(operator: &str, base: Option<&[u8]>, operand: &[u8]) -> Vec<u8> {
    let Some(base) = base else { return operand.to_vec() };
    match operator {
        "append" => [base, operand].concat(),
        "max" => base.max(operand).to_vec(),
        "min" => base.min(operand).to_vec(),
        "bit_or" => {
            let byte = |bytes: &[u8], at| bytes.get(at).copied().unwrap_or(0);
            let len = base.len().max(operand.len());
            (0..len).map(|at| byte(base, at) | byte(operand, at)).collect()
        }
        "model.tail" => {
            let all = [base, b"|", operand].concat();
            all[all.len().saturating_sub(24)..].to_vec()
        }
        other => panic!("no operator is called {other}"),
    }
}

/// What a filter makes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swept {
    Stays,
    Goes,
    Becomes(Vec<u8>),
}

/// The same of the model's own filter. What it has made stays.
pub fn swept(value: &[u8]) -> Swept {
    let mark = b"swept:".as_slice();
    let sum = value.iter().take(8).fold(0, |sum, byte| sum + u32::from(*byte));
    match sum % 5 {
        _ if value.len() < 4 || value.starts_with(mark) => Swept::Stays,
        0 => Swept::Goes,
        1 => Swept::Becomes([mark, value].concat()),
        _ => Swept::Stays,
    }
}

/// True of values that the filter of scripts takes away or changes.
pub fn is_garbage(value: &[u8]) -> bool {
    value.starts_with(b"x") || value.starts_with(b"old")
}

/// What is shown, as if that filter had been shown everything.
pub fn as_if_swept(mut shown: Shown) -> Shown {
    if let Some(pairs) = shown.get_mut(SWEPT) {
        pairs.retain(|_, value| !value.starts_with(b"x"));
        let old = pairs.values_mut().filter(|value| is_garbage(value));
        old.for_each(|value| *value = Arc::from(b"new".as_slice()));
    }
    shown
}

/// A number for what is shown, equal for equal things only.
pub fn fingerprint(shown: &Shown) -> u64 {
    let mut hasher = DefaultHasher::new();
    shown.hash(&mut hasher);
    hasher.finish()
}

/// The same in words: keys with the lengths of their values.
pub fn describe(shown: &Shown) -> String {
    let keyspace = |(name, pairs): (&String, &Pairs)| {
        let pair = |(key, value): (&Vec<u8>, &Arc<[u8]>)| {
            let start = &value[..value.len().min(8)];
            format!("{}={}+{}", key.escape_ascii(), start.escape_ascii(), value.len())
        };
        format!("{name}{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
    };
    shown.iter().map(keyspace).collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// No answer yet.
    Open,
    /// Acknowledged at this time.
    Acknowledged(u64),
    /// Failed, and may be there all the same.
    Doubtful,
    /// Failed at this time, and must not be there from then on.
    Refused(u64),
}

#[derive(Clone, Debug)]
struct Commit {
    changes: Vec<Change>,
    is_logged: bool,
    issued: u64,
    fate: Fate,
}

/// What one commit is at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    There,
    Doubtful,
    Absent,
}

/// The commits since an opening, and what was there before them.
#[derive(Clone, Debug)]
struct Epoch {
    since: u64,
    base: Contents,
    commits: Vec<Commit>,
    /// At this time, that many commits were durable if they are logged.
    durable: Vec<(u64, usize)>,
    /// At this time, that many commits were durable, logged or not.
    flushed: Vec<(u64, usize)>,
}

impl Epoch {
    fn new(since: u64, base: Contents) -> Self {
        Self { since, base, commits: Vec::new(), durable: Vec::new(), flushed: Vec::new() }
    }

    fn standing(&self, index: usize, at: u64) -> Standing {
        let commit = &self.commits[index];
        match commit.fate {
            Fate::Acknowledged(answered) if answered <= at => Standing::There,
            Fate::Refused(answered) if answered <= at => Standing::Absent,
            _ => Standing::Doubtful,
        }
    }
}

/// What may be found.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    prints: BTreeSet<u64>,
    least: Option<Shown>,
    most: Option<Shown>,
}

impl Candidates {
    pub fn check(&self, found: &Shown) -> Result<(), String> {
        if self.prints.contains(&fingerprint(found)) {
            return Ok(());
        }
        let side = |shown: &Option<Shown>| shown.as_ref().map(describe).unwrap_or_default();
        Err(format!(
            "it holds {}, which is none of the {} states that it may have, from {} to {}",
            describe(found),
            self.prints.len(),
            side(&self.least),
            side(&self.most),
        ))
    }

    pub fn len(&self) -> usize {
        self.prints.len()
    }

    fn add(&mut self, contents: &Contents) {
        let shown = as_if_swept(contents.shown());
        if self.prints.insert(fingerprint(&shown)) {
            self.least.get_or_insert_with(|| shown.clone());
            self.most = Some(shown);
        }
    }
}

/// More doubtful commits than this are not tried in every mixture.
const DOUBTFUL_MAX: usize = 10;

/// What was asked of a database, what was answered, and when.
#[derive(Clone, Debug)]
pub struct History {
    epochs: Vec<Epoch>,
    failures: Vec<String>,
    /// The minute that it is. Between two openings all expires that ever does.
    now: u64,
}

impl History {
    pub fn new() -> Self {
        Self { epochs: vec![Epoch::new(0, Contents::new())], failures: Vec::new(), now: 0 }
    }

    /// Time passes while the database is open.
    pub fn pass(&mut self, minutes: u64) {
        self.now += minutes;
    }

    pub fn now(&self) -> u64 {
        self.now
    }

    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Commits in the whole history.
    pub fn commit_count(&self) -> usize {
        self.epochs.iter().map(|epoch| epoch.commits.len()).sum()
    }

    fn epoch(&mut self) -> &mut Epoch {
        self.epochs.last_mut().unwrap()
    }

    pub fn issue(&mut self, issued: u64, changes: Vec<Change>, is_logged: bool) {
        self.epoch().commits.push(Commit { changes, is_logged, issued, fate: Fate::Open });
    }

    /// How the commit that was issued last went.
    pub fn answer(&mut self, at: u64, answer: Result<(), &Error>) {
        let fate = match answer {
            Ok(()) => Fate::Acknowledged(at),
            Err(error) if error.maybe_committed() => Fate::Doubtful,
            Err(_) => Fate::Refused(at),
        };
        self.epoch().commits.last_mut().unwrap().fate = fate;
        if let Err(error) = answer {
            self.note_failure(error);
        }
    }

    pub fn note_failure(&mut self, error: &Error) {
        self.failures.push(format!("{error:?}"));
    }

    /// Everything that is logged is durable by now.
    pub fn note_durable(&mut self, at: u64) {
        let count = self.epoch().commits.len();
        self.epoch().durable.push((at, count));
    }

    /// Everything is durable by now, logged or not.
    pub fn note_flushed(&mut self, at: u64) {
        let count = self.epoch().commits.len();
        self.epoch().durable.push((at, count));
        self.epoch().flushed.push((at, count));
    }

    /// An opening has shown this: from now on it is the truth.
    pub fn note_opened(&mut self, at: u64, shown: &Shown) {
        self.epochs.push(Epoch::new(at, Contents::of(shown)));
    }

    /// What a reader sees now, if nothing is in doubt.
    pub fn current(&self) -> Contents {
        let epoch = self.epochs.last().unwrap();
        let mut contents = epoch.base.clone();
        for commit in epoch.commits.iter().filter(|c| matches!(c.fate, Fate::Acknowledged(_))) {
            commit.changes.iter().for_each(|change| contents.apply(change));
        }
        contents.set_now(self.now);
        contents
    }

    /// What readers may see now: every answered commit, and what is in doubt or not.
    pub fn visible(&self, at: u64) -> Candidates {
        let epoch = self.epochs.last().unwrap();
        let mut found = Candidates::default();
        let end = epoch.commits.len();
        mixtures(epoch, (at, self.now), end, (end, end), &mut found);
        found
    }

    /// What may be found after a crash right behind operation `at`: with `is_process_crash` only
    /// the process died, and whatever is logged and acknowledged must be there.
    pub fn candidates(&self, at: u64, is_process_crash: bool) -> Candidates {
        let epoch = self.epochs.iter().rev().find(|epoch| epoch.since <= at).unwrap();
        let count = epoch.commits.iter().take_while(|commit| commit.issued < at).count();
        let least = |notes: &[(u64, usize)]| {
            let past = notes.iter().filter(|(when, _)| *when <= at);
            past.map(|(_, count)| *count).max().unwrap_or(0).min(count)
        };
        let is_due = |index: &usize| {
            epoch.commits[*index].is_logged && epoch.standing(*index, at) == Standing::There
        };
        let flushed = least(&epoch.flushed);
        let mut logged = least(&epoch.durable).max(flushed);
        if is_process_crash {
            logged = logged.max((0..count).rev().find(is_due).map_or(0, |index| index + 1));
        }
        let mut found = Candidates::default();
        let has_volatile = epoch.commits[..count].iter().any(|commit| !commit.is_logged);
        for end in logged..=count {
            let last_flush = if has_volatile { end } else { flushed };
            for flush in flushed..=last_flush {
                mixtures(epoch, (at, u64::MAX), end, (flush, end), &mut found);
            }
        }
        found
    }
}

/// Adds every state with the commits before `flush`, and the logged ones before `end`, as it is in
/// some minute.
fn mixtures(
    epoch: &Epoch,
    (at, minute): (u64, u64),
    count: usize,
    (flush, end): (usize, usize),
    found: &mut Candidates,
) {
    let is_kept = |index: &usize| {
        let is_in_log = epoch.commits[*index].is_logged && *index < end;
        (*index < flush || is_in_log) && epoch.standing(*index, at) != Standing::Absent
    };
    let kept: Vec<usize> = (0..count).filter(is_kept).collect();
    let is_doubtful = |index: &&usize| epoch.standing(**index, at) == Standing::Doubtful;
    let doubtful: Vec<usize> = kept.iter().filter(is_doubtful).copied().collect();
    assert!(doubtful.len() <= DOUBTFUL_MAX, "{} commits are in doubt", doubtful.len());
    for choice in 0..1u64 << doubtful.len() {
        let mut contents = epoch.base.clone();
        for index in &kept {
            let place = doubtful.iter().position(|doubt| doubt == index);
            if place.is_none_or(|place| choice >> place & 1 == 1) {
                epoch.commits[*index].changes.iter().for_each(|change| contents.apply(change));
            }
        }
        contents.set_now(minute);
        found.add(&contents);
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Contents, DEFAULT, History};

    fn put(key: &str) -> Vec<Change> {
        vec![Change::Put(DEFAULT.to_owned(), key.into(), b"x".as_slice().into())]
    }

    fn history() -> History {
        let mut history = History::new();
        history.note_opened(5, &Contents::new().shown());
        for (time, key, is_logged) in [(5, "a", true), (10, "v", false), (10, "b", true)] {
            history.issue(time, put(key), is_logged);
            history.answer(time + 3, Ok(()));
        }
        history
    }

    fn keys(keys: &[&str]) -> super::Shown {
        let mut contents = Contents::new();
        keys.iter().flat_map(|key| put(key)).for_each(|change| contents.apply(&change));
        contents.shown()
    }

    #[test]
    fn a_power_cut_leaves_a_prefix_and_a_kill_all_that_is_logged() {
        let mut history = history();
        let cut = history.candidates(20, false);
        for there in [&[][..], &["a"], &["a", "v"], &["a", "b"], &["a", "v", "b"]] {
            cut.check(&keys(there)).unwrap();
        }
        cut.check(&keys(&["b"])).unwrap_err();
        cut.check(&keys(&["v"])).unwrap_err();
        let kill = history.candidates(20, true);
        kill.check(&keys(&["a", "b"])).unwrap();
        kill.check(&keys(&["a"])).unwrap_err();
        assert_eq!(history.candidates(11, true).len(), 4, "b is under way, v flushed or not");
        history.note_flushed(30);
        assert_eq!(history.candidates(30, false).len(), 1);
        history.candidates(29, false).check(&keys(&[])).unwrap();
    }
}
