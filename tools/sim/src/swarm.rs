//! The swarm: each seed has a configuration of its own, so that features meet in every mixture.

use std::time::Duration;

use lsm_core::env::sim::rng::Rng;
use lsm_core::{
    Compression, Durability, KeyspaceOptions, LogMode, MemtableKind, Options, Strategy,
};

/// Names of keyspaces; the first is always there.
pub const NAMES: [&str; 4] = ["default", "k1", "another keyspace", "q"];

/// The filter of keyspaces that are swept.
pub const FILTER: &str = "sim.sweeper";

/// What one seed has chosen.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// How the database is opened.
    pub options: Options,
    /// How the default keyspace is kept.
    pub default: Kept,
    /// The durability of most writes.
    pub durability: Durability,
    /// Other clients act while one waits.
    pub has_meanwhile: bool,
    /// Writes that are in no log.
    pub has_volatile: bool,
    /// Writes that wait for no longer than a while.
    pub has_timeouts: bool,
    /// Only faults of these kinds: numbers of `world::faults`.
    pub faults: u64,
}

/// How a keyspace is kept, as far as the model has to know it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// As the engine is told.
    pub options: KeyspaceOptions,
    /// How many minutes values live, if not for ever.
    pub ttl: Option<u64>,
    /// What operands do, if it takes any.
    pub operator: Option<&'static str>,
    /// A filter sweeps it.
    pub is_swept: bool,
}

impl Swarm {
    /// The choice of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x5aa7_0000);
        let mut one_of = |choices: &[u64]| choices[rng.below(choices.len() as u64) as usize];
        let sync = [None, Some(1000), Some(1000), Some(30)][one_of(&[0, 1, 2, 3]) as usize];
        let options = Options::new()
            .memory_limit(16 << 20)
            .memtable_bytes(one_of(&[4096, 4096, 8192, 32 << 10]))
            .memtable([MemtableKind::Tree, MemtableKind::SkipList][one_of(&[0, 0, 1]) as usize])
            .background_threads(one_of(&[1, 1, 2]) as usize)
            .log_mode([LogMode::Write, LogMode::Mapped][one_of(&[0, 1]) as usize])
            .log_segment_bytes_max(one_of(&[4096, 8192, 64 << 10]))
            .log_bytes_max(one_of(&[0, 0, 16 << 10]))
            .open_files_max(one_of(&[0, 0, 1, 3]) as usize)
            .sync_interval(sync.map(Duration::from_millis));
        let durability = [Durability::Buffered, Durability::Buffered, Durability::Durable]
            [one_of(&[0, 1, 2]) as usize];
        let default = if one_of(&[0, 1]) == 0 {
            Kept::usual()
        } else {
            Kept::of(one_of(&[1, 2, 3, 5]) * 7919 + seed)
        };
        Self {
            options,
            default,
            durability,
            has_meanwhile: one_of(&[0, 1, 1]) == 1,
            has_volatile: one_of(&[0, 0, 1]) == 1,
            has_timeouts: one_of(&[0, 0, 1]) == 1,
            faults: one_of(&[u64::MAX, u64::MAX, 0x0f0f_0f0f, 0x3333_3333, 0x5555_5555]),
        }
    }
}

impl Kept {
    /// As keyspaces are kept if nothing is chosen, but that little makes a block.
    #[must_use]
    pub fn usual() -> Self {
        Self { options: KeyspaceOptions::new(), ttl: None, operator: None, is_swept: false }
    }

    /// Some choice.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let of = |shift: u64, choices: u64| number / shift % choices;
        let strategies = [
            Strategy::Leveled { ratio: 2 },
            Strategy::Leveled { ratio: 10 },
            Strategy::Tiered { runs_max: 2 },
            Strategy::Lazy { runs_max: 2 },
        ];
        let mut options = KeyspaceOptions::new()
            .strategy(strategies[of(1, 4) as usize].clone())
            .compression([Compression::None, Compression::Lz4][of(4, 2) as usize])
            .block_bytes([512, 512, 4096][of(8, 3) as usize])
            .filter_bits_per_key([0, 10][of(24, 2) as usize])
            .blob_threshold([64, 1000, 4096, 0][of(48, 4) as usize]);
        let ttl = (of(192, 5) == 0).then_some(150);
        if let Some(minutes) = ttl {
            options = options.ttl(Duration::from_secs(minutes * 60));
        }
        let operator = [None, Some("append"), Some("max")][of(960, 3) as usize];
        let is_swept = operator.is_none() && of(2880, 2) == 0;
        if is_swept {
            options = options.compaction_filter(FILTER);
        }
        if let Some(operator) = operator {
            options = options.merge_operator(operator);
        }
        Self { options, ttl, operator, is_swept }
    }
}
