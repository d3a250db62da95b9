//! fjall, where the feature of its name is on.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use fjall::config::{BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{CompressionType, Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode};
use lsm_bench::store::{Cursor, Each, Engine, Result, Session, Setup, Store, Walk};

use crate::locked::locked_version;

/// fjall.
pub(crate) struct Fjall;

/// Everything that differs from what fjall does by itself.
struct Settings {
    cache_bytes: u64,
    worker_threads: usize,
    max_memtable_bytes: u64,
    filter: FilterPolicyEntry,
    is_packed: bool,
}

impl Settings {
    fn new(setup: &Setup) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a filter has few bits for each key")]
        let filter = match setup.filter_bits {
            0 => FilterPolicyEntry::None,
            bits => FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(bits as f32)),
        };
        Self {
            cache_bytes: setup.cache_bytes as u64,
            worker_threads: setup.background_threads.max(1),
            max_memtable_bytes: setup.memtable_bytes as u64,
            filter,
            is_packed: setup.is_packed,
        }
    }

    fn keyspace(&self) -> KeyspaceCreateOptions {
        let options = KeyspaceCreateOptions::default()
            .max_memtable_size(self.max_memtable_bytes)
            .filter_policy(FilterPolicy::all(self.filter));
        if self.is_packed {
            return options;
        }
        options.data_block_compression_policy(CompressionPolicy::all(CompressionType::None))
    }

    fn lines(&self) -> [(&'static str, String); 5] {
        let compression = match self.is_packed {
            true => "as it comes: LZ4, but not in the levels 0 and 1",
            false => "none",
        };
        [
            ("cache_size", self.cache_bytes.to_string()),
            ("worker_threads", self.worker_threads.to_string()),
            ("max_memtable_size", self.max_memtable_bytes.to_string()),
            ("filter_policy", format!("{:?}", self.filter)),
            ("data_block_compression_policy", compression.to_owned()),
        ]
    }
}

/// How far a write gets before it returns, where that is further than the system's memory.
fn persistence(setup: &Setup) -> Option<PersistMode> {
    setup.is_synced.then_some(PersistMode::SyncData)
}

impl Engine for Fjall {
    fn name(&self) -> &str {
        "fjall"
    }

    fn version(&self) -> String {
        locked_version("fjall")
    }

    fn configuration(&self, setup: &Setup) -> Vec<(String, String)> {
        let own = |(name, value): (&str, String)| (name.to_owned(), value);
        let mut lines: Vec<_> = Settings::new(setup).lines().into_iter().map(own).collect();
        let persistence = persistence(setup).unwrap_or(PersistMode::Buffer);
        lines.push(("PersistMode of each write".to_owned(), format!("{persistence:?}")));
        lines.push(("library".to_owned(), "the crate fjall".to_owned()));
        lines
    }

    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>> {
        let settings = Settings::new(setup);
        let database = Database::builder(dir)
            .cache_size(settings.cache_bytes)
            .worker_threads(settings.worker_threads)
            .open()?;
        let keyspace = database.keyspace("pairs", || settings.keyspace())?;
        Ok(Box::new(Opened { keyspace, database, persistence: persistence(setup) }))
    }
}

/// An open database with its one keyspace.
struct Opened {
    keyspace: Keyspace,
    database: Database,
    persistence: Option<PersistMode>,
}

/// fjall is idle if it has nothing to do so many times in a row.
const IDLE_CHECKS: usize = 10;
/// The time between two of them.
const IDLE_PAUSE: Duration = Duration::from_millis(5);

impl Opened {
    fn is_busy(&self) -> bool {
        self.database.outstanding_flushes() > 0 || self.database.active_compactions() > 0
    }

    /// fjall counts the merges that run and not those that somebody is about to begin, so one look
    /// is not enough.
    fn wait_until_idle(&self) {
        let mut checks = 0;
        let mut merges = self.database.compactions_completed();
        while checks < IDLE_CHECKS {
            sleep(IDLE_PAUSE);
            let done = self.database.compactions_completed();
            checks = if self.is_busy() || done != merges { 0 } else { checks + 1 };
            merges = done;
        }
    }
}

impl Store for Opened {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        Ok(Box::new(Way(self)))
    }

    fn settle(&self) -> Result<()> {
        self.keyspace.rotate_memtable_and_wait()?;
        self.wait_until_idle();
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        self.keyspace.rotate_memtable_and_wait()?;
        Ok(self.keyspace.major_compact()?)
    }
}

/// One thread's way to it.
struct Way<'a>(&'a Opened);

impl Way<'_> {
    /// Sees to it that what was written is where it has to be.
    fn persisted(&self) -> Result<()> {
        self.0.persistence.map_or(Ok(()), |mode| Ok(self.0.database.persist(mode)?))
    }
}

impl Session for Way<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.keyspace.insert(key, value)?;
        self.persisted()
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.0.keyspace.remove(key)?;
        self.persisted()
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        let mut batch = self.0.database.batch().durability(self.0.persistence);
        for (key, value) in pairs {
            batch.insert(&self.0.keyspace, *key, *value);
        }
        Ok(batch.commit()?)
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let Some(found) = self.0.keyspace.get(key)? else { return Ok(false) };
        value.clear();
        value.extend_from_slice(&found);
        Ok(true)
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        for (place, key) in keys.iter().enumerate() {
            if let Some(found) = self.0.keyspace.get(key)? {
                each(place, &found);
            }
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(Steps(&self.0.keyspace)))
    }
}

/// Walks: fjall's iterators begin where they are made, so each walk makes one.
struct Steps<'a>(&'a Keyspace);

/// Hands over pairs until there are no more or nobody wants more.
fn hand_over(pairs: impl Iterator<Item = Guard>, each: Each<'_>) -> Result<()> {
    for pair in pairs {
        let (key, value) = pair.into_inner()?;
        if !each(&key, &value) {
            break;
        }
    }
    Ok(())
}

impl Cursor for Steps<'_> {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        match walk {
            Walk::FromFirst => hand_over(self.0.iter(), each),
            Walk::FromLast => hand_over(self.0.iter().rev(), each),
            Walk::From(key) => hand_over(self.0.range(key..), each),
            Walk::DownFrom(key) => hand_over(self.0.range(..=key).rev(), each),
        }
    }
}
