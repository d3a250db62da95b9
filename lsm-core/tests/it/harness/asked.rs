//! What the environment asks of a story: seeds, seconds, and the one case to replay.

/// The number in this variable.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// One of so many is tried where time is short: all of them if `LSM_WHOLE` is set.
pub fn one_of(many: usize) -> usize {
    if number("LSM_WHOLE") == Some(1) { 1 } else { many }
}

/// One case, as a failure has printed it: `mode=write script=PPFC crash@67 Kill`.
pub struct Case(String);

impl Case {
    pub fn of(variable: &str) -> Option<Self> {
        std::env::var(variable).ok().map(Self)
    }

    /// What stands behind `key` in one of its words.
    pub fn word(&self, key: &str) -> Option<&str> {
        self.0.split(' ').find_map(|word| word.strip_prefix(key))
    }

    pub fn last_word(&self) -> &str {
        self.0.rsplit(' ').next().unwrap_or_default()
    }
}
