//! The keyspaces of an open database: what their handles share.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::compaction::choose::strategist_of;
use crate::compaction::registry::Strategies;
use crate::compaction::sieve::Sieve;
use crate::compaction::strategist::Strategist;
use crate::engine::plugins::Plugins;
use crate::engine::quota::Quota;
use crate::key::keyspace::KeyspaceId;
use crate::key::order::Order;
use crate::merge::merger::Merger;
use crate::options::keyspace::KeyspaceOptions;
use crate::version::catalog::Catalog;

/// The name of the keyspace that every database has.
pub const DEFAULT_NAME: &str = "default";

/// One keyspace.
#[derive(Debug)]
pub struct KeyspaceState {
    /// Its number for ever.
    pub id: KeyspaceId,
    /// Its name.
    pub name: String,
    /// How it is kept.
    pub options: KeyspaceOptions,
    /// Who decides what is merged.
    pub strategist: Strategist,
    /// How its keys are ordered.
    pub order: Order,
    /// What it may take.
    pub quota: Quota,
    /// What `merge` does, if it may be called.
    pub merger: Option<Arc<Merger>>,
    /// What its compactions are filtered by, if it has a filter and that is there.
    pub sieve: Option<Arc<Sieve>>,
    /// Values of this length and longer stand apart.
    pub large_from: usize,
    /// The same if nobody has to look at a value before it is written.
    pub apart_from: usize,
    is_dropped: AtomicBool,
    /// The drop failed, and may be found after a restart all the same.
    is_in_doubt: AtomicBool,
}

impl KeyspaceState {
    /// A keyspace that is there.
    #[must_use]
    pub fn new(
        id: KeyspaceId,
        name: &str,
        options: KeyspaceOptions,
        strategist: Strategist,
        plugins: &Plugins,
    ) -> Arc<Self> {
        let name = name.to_owned();
        let (is_dropped, is_in_doubt) = (AtomicBool::new(false), AtomicBool::new(false));
        let quota = Quota::new(options.get_quota_bytes());
        let order = plugins.order_of(&options);
        let merger = plugins.operators.merger(options.get_merge_operator(), &order);
        let filter = options.get_compaction_filter();
        let filter = filter.and_then(|name| Some((name, plugins.filters.get(name)?.clone())));
        let sieve =
            filter.map(|filter| Arc::new(Sieve::new(filter, &name, &order, merger.clone())));
        let large_from = match options.get_blob_threshold() {
            0 => usize::MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        };
        let apart_from = if merger.is_some() { usize::MAX } else { large_from };
        Arc::new(Self {
            id,
            name,
            options,
            strategist,
            order,
            quota,
            merger,
            sieve,
            large_from,
            apart_from,
            is_dropped,
            is_in_doubt,
        })
    }

    /// Refuses a keyspace that was dropped.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.is_dropped.load(Ordering::Acquire) { Err(self.dropped()) } else { Ok(()) }
    }

    #[cold]
    fn dropped(&self) -> Error {
        let message = format!("the keyspace `{}` was dropped", self.name);
        Error::new(ErrorKind::Closed, message)
    }

    /// Refuses a keyspace whose merge operator was not registered.
    pub fn check_merger(&self) -> Result<()> {
        let Some(merger) = &self.merger else { return Ok(()) };
        merger.check_there().map_err(|error| not_opened(&self.name, &error))
    }

    /// Turns every handle of it away from now on; false if somebody else is dropping it.
    #[must_use]
    pub fn drop_now(&self) -> bool {
        let is_first = !self.is_dropped.swap(true, Ordering::AcqRel);
        is_first || self.is_in_doubt.swap(false, Ordering::AcqRel)
    }

    /// Keeps handles out although it could not be dropped: what they wrote might be gone after a
    /// restart. It can be dropped once more.
    pub fn doubt_drop(&self) {
        self.is_in_doubt.store(true, Ordering::Release);
    }

    /// Lets handles in again, since it could not be dropped.
    pub fn take_back_drop(&self) {
        self.is_dropped.store(false, Ordering::Release);
    }
}

/// All keyspaces, by name.
#[derive(Debug, Default)]
pub struct Keyspaces {
    by_name: Mutex<BTreeMap<String, Arc<KeyspaceState>>>,
    /// One of them has or had a quota.
    has_quotas: AtomicBool,
    /// One of them has or had a merge operator.
    has_mergers: AtomicBool,
    /// The smallest length from which on one of them has values apart.
    large_from: AtomicUsize,
    /// One of them has or had a merge operator, or writes each key once.
    are_folded: AtomicBool,
}

impl Keyspaces {
    /// Those of a catalog, the default one included. Without `strategies` nothing will be merged.
    pub fn of(
        catalog: &Catalog,
        strategies: Option<&Strategies>,
        plugins: &Plugins,
    ) -> Result<Self> {
        let keyspaces = Self { large_from: AtomicUsize::new(usize::MAX), ..Self::default() };
        let default = (&KeyspaceId::DEFAULT, DEFAULT_NAME);
        let others = catalog.keyspaces.iter().map(|(id, name)| (id, name.as_str()));
        for (&id, name) in std::iter::once(default).chain(others) {
            let options = options_of(catalog, id)?;
            let strategist = match strategies {
                Some(strategies) => options
                    .check_built()
                    .and_then(|()| strategist_of(options.get_strategy(), strategies))
                    .map_err(|error| not_opened(name, &error))?,
                None => Strategist::fallback(),
            };
            keyspaces.insert(KeyspaceState::new(id, name, options, strategist, plugins));
        }
        Ok(keyspaces)
    }

    /// Turns away the handles of those that a later catalog no longer has. The writer is another
    /// process: nothing is merged here.
    pub fn follow_drops(&self, catalog: &Catalog) {
        let mut by_name = self.by_name.lock();
        by_name.retain(|_, state| {
            let is_there = catalog.has_keyspace(state.id);
            if !is_there {
                let _is_first = state.drop_now();
            }
            is_there
        });
    }

    /// Those that a later catalog has, and that are not here yet.
    pub fn new_of(&self, catalog: &Catalog, plugins: &Plugins) -> Result<Vec<Arc<KeyspaceState>>> {
        let others = catalog.keyspaces.iter();
        let new = others.filter(|&(id, name)| self.get(name).is_none_or(|known| known.id != *id));
        let state = |(&id, name): (&KeyspaceId, &String)| {
            let (options, strategist) = (options_of(catalog, id)?, Strategist::fallback());
            Ok(KeyspaceState::new(id, name, options, strategist, plugins))
        };
        new.map(state).collect()
    }

    /// Adds one.
    pub fn insert(&self, keyspace: Arc<KeyspaceState>) {
        if keyspace.quota.bytes() > 0 {
            self.has_quotas.store(true, Ordering::Release);
        }
        self.large_from.fetch_min(keyspace.large_from, Ordering::AcqRel);
        if keyspace.merger.is_some() {
            self.has_mergers.store(true, Ordering::Release);
        }
        if keyspace.merger.is_some() || keyspace.options.is_write_once() {
            self.are_folded.store(true, Ordering::Release);
        }
        self.by_name.lock().insert(keyspace.name.clone(), keyspace);
    }

    /// False if none of them has a quota.
    #[inline]
    #[must_use]
    pub fn has_quotas(&self) -> bool {
        self.has_quotas.load(Ordering::Acquire)
    }

    /// False if none of them has a merge operator.
    #[inline]
    #[must_use]
    pub fn has_mergers(&self) -> bool {
        self.has_mergers.load(Ordering::Acquire)
    }

    /// Shorter values stand beside their keys in all of them.
    #[inline]
    #[must_use]
    pub fn large_from(&self) -> usize {
        self.large_from.load(Ordering::Acquire)
    }

    /// False if none of them has anything folded when tables are written.
    #[must_use]
    pub fn are_folded(&self) -> bool {
        self.are_folded.load(Ordering::Acquire)
    }

    /// Takes one away.
    pub fn remove(&self, name: &str) {
        self.by_name.lock().remove(name);
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<KeyspaceState>> {
        self.by_name.lock().get(name).cloned()
    }

    /// The one with this number.
    #[must_use]
    pub fn by_id(&self, id: KeyspaceId) -> Option<Arc<KeyspaceState>> {
        self.by_name.lock().values().find(|state| state.id == id).cloned()
    }

    /// Every one, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<KeyspaceState>> {
        self.by_name.lock().values().cloned().collect()
    }
}

fn not_opened(name: &str, error: &Error) -> Error {
    error.as_cause_of(error.kind(), &format!("the keyspace `{name}` cannot be opened"))
}

fn options_of(catalog: &Catalog, id: KeyspaceId) -> Result<KeyspaceOptions> {
    catalog.options.get(&id).map_or_else(
        || Ok(KeyspaceOptions::default()),
        |text| {
            KeyspaceOptions::parse(text).map_err(|error| {
                error.as_cause_of(ErrorKind::Format, "a keyspace has options of a newer version")
            })
        },
    )
}
