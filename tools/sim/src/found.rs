//! What a database shows, read in every way, and held against the model.

use lsm_core::{Db, Keyspace, Read, Result};

use crate::deed::there;
use crate::model::{Entry, State, describe_pair, print_of, print_of_name, swept};
use crate::swarm::{FILTER, NAMES};

/// Pairs, in order.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What a whole database shows.
#[derive(Clone, Debug)]
pub struct Found {
    /// The pairs of each keyspace, by its name.
    pub spaces: Vec<(String, Pairs)>,
    /// Equal for equal things only, whatever a filter has done by now.
    pub print: u64,
}

/// Why a database does not show what it should.
#[derive(Debug)]
pub enum Trouble {
    /// A call failed.
    Failed(lsm_core::Error),
    /// Calls contradict each other, or the model.
    Wrong(String),
}

impl From<lsm_core::Error> for Trouble {
    fn from(error: lsm_core::Error) -> Self {
        Self::Failed(error)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "{error:?}"),
            Self::Wrong(why) => f.write_str(why),
        }
    }
}

/// Reads all pairs, forward.
pub fn forward(reader: &impl Read) -> Result<Pairs> {
    reader.iter().map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

/// Reads all pairs of a keyspace in every way.
fn read(space: &Keyspace) -> Result<Pairs, Trouble> {
    let pairs = forward(space)?;
    let backward = space.iter().rev().collect::<Result<Vec<_>>>()?;
    let wrong = |why: String| Err(Trouble::Wrong(format!("keyspace {}: {why}", space.name())));
    if !backward.iter().rev().map(|(key, value)| (&key[..], &value[..])).eq(borrowed(&pairs)) {
        return wrong(format!("{} pairs forward, {} backward", pairs.len(), backward.len()));
    }
    let keys: Vec<&[u8]> = pairs.iter().map(|(key, _)| &key[..]).collect();
    let many = space.get_many(&keys)?;
    for ((key, value), found) in pairs.iter().zip(many) {
        if found.as_deref() != Some(&value[..]) {
            return wrong(format!("{} is met by a scan and not by a get", key.escape_ascii()));
        }
    }
    Ok(pairs)
}

fn borrowed(pairs: &Pairs) -> impl Iterator<Item = (&[u8], &[u8])> {
    pairs.iter().map(|(key, value)| (&key[..], &value[..]))
}

/// Reads everything.
pub fn show(db: &Db) -> Result<Found, Trouble> {
    let mut names = db.keyspace_names();
    names.push(NAMES[0].to_owned());
    names.sort();
    let mut found = Found { spaces: Vec::new(), print: 0 };
    for name in names {
        let space = there(db, &name)?;
        let pairs = read(&space)?;
        let is_swept = space.options().get_compaction_filter() == Some(FILTER);
        found.print ^= print_of_name(&name);
        for (key, value) in &pairs {
            found.print ^= print_of(&name, key, value, is_swept);
        }
        found.spaces.push((name, pairs));
    }
    Ok(found)
}

impl Found {
    /// In words, short ones.
    #[must_use]
    pub fn describe(&self) -> String {
        let pair = |(key, value): &(Vec<u8>, Vec<u8>)| describe_pair(key, value);
        let space = |(name, pairs): &(String, Pairs)| {
            format!("{name}{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
        };
        self.spaces.iter().map(space).collect::<Vec<_>>().join(" ")
    }
}

/// True if a key may show this: what it has, or what a filter makes of that.
#[must_use]
pub fn may_show(entry: Option<&Entry>, is_swept: bool, found: Option<&[u8]>) -> bool {
    let own = entry.map(|entry| &entry.value[..]);
    found == own || is_swept && own.is_some_and(|own| swept(own).as_deref() == found)
}

/// Holds pairs against those that the model has, in the same order; what differs.
pub fn compare<'a>(
    found: &Pairs,
    expected: impl Iterator<Item = (&'a Vec<u8>, &'a Entry)>,
    is_swept: bool,
) -> Result<(), String> {
    let mut found = found.iter().peekable();
    for (key, entry) in expected {
        let met = found.next_if(|(met, _)| met == key).map(|(_, value)| &value[..]);
        if !may_show(Some(entry), is_swept, met) {
            let there = met.map(|value| describe_pair(key, value));
            let own = describe_pair(key, &entry.value);
            return Err(format!("{own} is written, and {there:?} is there"));
        }
    }
    match found.next() {
        Some((key, value)) => {
            Err(format!("{} is there, and is not written", describe_pair(key, value)))
        }
        None => Ok(()),
    }
}

/// True if a state shows just this.
#[must_use]
pub fn is_shown_by(found: &Found, state: &State) -> bool {
    // What a filter takes away has no number: there it is looked at more closely.
    found.print == state.print()
        && state.spaces().all(|(name, space)| {
            let pairs = found.spaces.iter().find(|(there, _)| there == name);
            let fits =
                |(_, pairs): &(String, Pairs)| compare(pairs, state.pairs(name), true).is_ok();
            !space.kept.is_swept || pairs.is_some_and(fits)
        })
}

/// Holds everything against the model.
///
/// # Errors
///
/// What differs.
pub fn compare_all(found: &Found, state: &State) -> Result<(), String> {
    if is_shown_by(found, state) {
        return Ok(());
    }
    for (name, pairs) in &found.spaces {
        let Some(space) = state.space(name) else { return Err(format!("{name} is there")) };
        compare(pairs, state.pairs(name), space.kept.is_swept)
            .map_err(|why| format!("{name}: {why}"))?;
    }
    Err(format!("{} is shown instead of {}", found.describe(), state.describe()))
}
