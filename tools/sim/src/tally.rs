//! The tally: what was done, what became of it, and what was done to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::acts::LETTERS;

/// Counts of one seed, or of many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Lives that were lived to the end.
    pub seeds: u64,
    /// Seeds that were lived twice, with equal traces.
    pub twice: u64,
    /// Acts by their letters.
    pub acts: BTreeMap<char, u64>,
    /// Calls by what became of them.
    pub calls: BTreeMap<&'static str, u64>,
    /// Faults that struck, by what they do.
    pub faults: BTreeMap<String, u64>,
    /// Ends of processes, by how they came.
    pub crashes: BTreeMap<String, u64>,
    /// Other things worth a number.
    pub other: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Adds the counts of others.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.twice += other.twice;
        add(&mut self.acts, &other.acts);
        add(&mut self.calls, &other.calls);
        add(&mut self.faults, &other.faults);
        add(&mut self.crashes, &other.crashes);
        add(&mut self.other, &other.other);
    }

    /// Counts one of these.
    pub fn count(&mut self, name: &'static str) {
        *self.other.entry(name).or_insert(0) += 1;
    }

    /// How many percent of all calls did what they were asked for.
    #[must_use]
    pub fn success(&self) -> u64 {
        let of = |name| self.calls.get(name).copied().unwrap_or(0);
        let all: u64 = self.calls.values().sum();
        (of("done") * 100).checked_div(all).unwrap_or(0)
    }

    /// Many seeds in which little happened prove little; what was missing.
    ///
    /// # Errors
    ///
    /// What too few seeds have met.
    pub fn check(&self) -> Result<(), String> {
        let all: u64 = self.crashes.values().sum();
        let struck: u64 = self.faults.values().sum();
        let work = self.other.get("flushes and merges").copied().unwrap_or(0);
        if self.success() < 60
            || all < self.seeds
            || struck < self.seeds / 2
            || work < 4 * self.seeds
        {
            return Err(format!("too little happened: {}", self.line()));
        }
        Ok(())
    }

    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        let sum = |counts: u64, what: &str| format!("{counts} {what}");
        [
            sum(self.seeds, "seeds"),
            sum(self.acts.values().sum(), "acts"),
            sum(self.calls.values().sum(), "calls"),
            format!("{} % done", self.success()),
            sum(self.faults.values().sum(), "faults"),
            sum(self.crashes.values().sum(), "ends of processes"),
            sum(self.twice, "lived twice"),
        ]
        .join(", ")
    }

    /// As a page.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = format!("{}\n", self.line());
        let name = |verb: &char| {
            LETTERS.iter().find(|(letter, ..)| letter == verb).map_or("", |(_, _, name)| name)
        };
        let acts = self.acts.iter().map(|(verb, n)| (format!("`{verb}` {}", name(verb)), *n));
        table(&mut page, "acts", acts);
        table(&mut page, "calls", self.calls.iter().map(|(name, n)| ((*name).to_owned(), *n)));
        table(
            &mut page,
            "faults that struck",
            self.faults.iter().map(|(name, n)| (name.clone(), *n)),
        );
        table(
            &mut page,
            "ends of processes",
            self.crashes.iter().map(|(name, n)| (name.clone(), *n)),
        );
        table(&mut page, "other", self.other.iter().map(|(name, n)| ((*name).to_owned(), *n)));
        page
    }
}

fn add<K: Clone + Ord>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    from.iter().for_each(|(key, count)| *to.entry(key.clone()).or_insert(0) += count);
}

fn table(page: &mut String, title: &str, rows: impl Iterator<Item = (String, u64)>) {
    let _ = write!(page, "\n| {title} | times |\n| --- | ---: |\n");
    for (name, count) in rows {
        let _ = writeln!(page, "| {name} | {count} |");
    }
}
