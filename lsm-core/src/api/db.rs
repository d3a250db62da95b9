//! The database.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::api::batch::Batch;
use crate::api::doctor::{Diagnosis, Facts};
use crate::api::keyspace::Keyspace;
use crate::api::keyspace_ref::{Handle, KeyspaceRef};
use crate::api::read::Moment;
use crate::api::snapshot::Snapshot;
use crate::api::stats::Stats;
use crate::base::error::{Error, Result};
use crate::compaction::filter::CompactionFilter;
use crate::compaction::strategy::Strategy;
use crate::engine::keyspaces::DEFAULT_NAME;
use crate::engine::plugins::Plugins;
use crate::engine::reader::ReaderInfo;
use crate::engine::snapshots::SnapshotPin;
use crate::engine::state::Engine;
use crate::env::os::world::real;
use crate::env::world::Env;
use crate::extend::listener::Listener;
use crate::journal::destroy::{Destroyed, destroy};
use crate::journal::options::OpenReport;
use crate::key::seqno::SeqNo;
use crate::merge::operator::MergeOperator;
use crate::options::database::Options;
use crate::options::keyspace::{KeyspaceOptions, is_strategy_name};
use crate::options::progress::CallOptions;
use crate::options::write::WriteOptions;
use crate::read::access::Usual;

/// An open database. Cheap to clone, `Send` and `Sync`; closed by `close`, or when the last handle
/// of it and of its keyspaces is dropped.
///
/// Every verb of `Keyspace` is there too, for the default keyspace.
#[derive(Clone, Debug)]
pub struct Db {
    default: Keyspace,
    report: Arc<OpenReport>,
}

impl Moment for Db {
    type How = Usual;

    fn keyspace(&self) -> &KeyspaceRef {
        Moment::keyspace(&self.default)
    }

    fn at(&self) -> Result<Option<&SnapshotPin>> {
        Moment::at(&self.default)
    }

    fn how(&self) -> Usual {
        Usual
    }
}

impl Deref for Db {
    type Target = Keyspace;

    fn deref(&self) -> &Keyspace {
        &self.default
    }
}

/// An opening that is being prepared.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(crate) path: PathBuf,
    pub(crate) options: Options,
    pub(crate) env: Option<Env>,
    pub(crate) plugins: Plugins,
    pub(crate) default_keyspace: Option<KeyspaceOptions>,
}

impl Builder {
    /// Chooses everything that is data.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Chooses how the default keyspace is kept, if the opening makes the database. One that is
    /// there with another default keyspace is refused, as `Db::keyspace_with` refuses a keyspace; a
    /// database that was made without this has one with the usual options. What those options name
    /// has to be registered at each opening: without its comparator or its merge operator the
    /// default keyspace is not opened, and neither is the database.
    ///
    /// # Examples
    ///
    /// ```
    /// use lsm_core::{Db, KeyspaceOptions};
    ///
    /// # let dir = std::env::temp_dir().join(format!("lsm-default-{}", std::process::id()));
    /// let counters = KeyspaceOptions::new().merge_operator("add_i64");
    /// let db = Db::builder(&dir).default_keyspace(counters).open()?;
    /// db.merge("visits", 2i64.to_le_bytes())?;
    /// assert_eq!(db.options().get_merge_operator(), Some("add_i64"));
    /// # db.close()?;
    /// # Db::destroy(&dir)?;
    /// # Ok::<(), lsm_core::Error>(())
    /// ```
    #[must_use]
    pub fn default_keyspace(mut self, options: KeyspaceOptions) -> Self {
        self.default_keyspace = Some(options);
        self
    }

    /// Chooses another world than the real one.
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = Some(env);
        self
    }

    /// Tells a listener of everything that happens. There may be several.
    #[must_use]
    pub fn listener(mut self, listener: impl Listener) -> Self {
        self.plugins.listeners.add(Arc::new(listener));
        self
    }

    /// Registers a strategy of the program's own by its name: keyspaces can choose it
    /// (`Strategy::User` in their options), and a database with one that did is opened only with
    /// it, or read-only. There may be several.
    #[must_use]
    pub fn strategy(mut self, strategy: impl Strategy) -> Self {
        self.plugins.strategies.add(Arc::new(strategy));
        self
    }

    /// Registers an order of the program's own by its name: keyspaces can choose it
    /// (`Comparator::User` in their options), and one that did is opened only with it. There may be
    /// several.
    ///
    /// `sort_key` is given a key and appends the bytes by which that is ordered; keys with the same
    /// sort key are ordered as bytes. It is called in the threads that read and write, never in the
    /// background, and must always make the same of the same key. Key and sort key are stored, and
    /// share the longest size of a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use lsm_core::{Comparator, Db, KeyspaceOptions};
    ///
    /// # let dir = std::env::temp_dir().join(format!("lsm-comparator-{}", std::process::id()));
    /// let any_case = |key: &[u8], sort_key: &mut Vec<u8>| {
    ///     sort_key.extend(key.to_ascii_lowercase());
    ///     Ok(())
    /// };
    /// let db = Db::builder(&dir).comparator("any-case", any_case).open()?;
    /// let chosen = KeyspaceOptions::new().comparator(Comparator::user("any-case"));
    /// let names = db.keyspace_with("names", chosen)?;
    /// for name in ["bert", "Anna", "Carl"] {
    ///     names.put(name, "")?;
    /// }
    /// let sorted: Vec<_> = names.iter().keys().collect::<Result<_, _>>()?;
    /// assert_eq!(sorted, ["Anna", "bert", "Carl"]);
    /// # db.close()?;
    /// # Db::destroy(&dir)?;
    /// # Ok::<(), lsm_core::Error>(())
    /// ```
    #[must_use]
    pub fn comparator(
        mut self,
        name: &str,
        sort_key: impl Fn(&[u8], &mut Vec<u8>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        if is_strategy_name(name) {
            self.plugins.orders.add(name, Box::new(sort_key));
        } else {
            self.plugins.orders.refuse(format!("`{name}` cannot be the name of a comparator"));
        }
        self
    }

    /// Registers a merge operator of the program's own by its name: keyspaces can choose it
    /// (`KeyspaceOptions::merge_operator`). A keyspace that did is opened only with it; the others
    /// are open all the same. There may be several.
    #[must_use]
    pub fn merge_operator(mut self, operator: impl MergeOperator) -> Self {
        self.plugins.operators.add(Arc::new(operator));
        self
    }

    /// Registers a compaction filter of the program's own by its name: keyspaces can choose it
    /// (`KeyspaceOptions::compaction_filter`). Without it a keyspace that did is opened all the
    /// same, and everything in it is kept. There may be several.
    #[must_use]
    pub fn compaction_filter(mut self, filter: impl CompactionFilter) -> Self {
        self.plugins.filters.add(Arc::new(filter));
        self
    }

    /// Deletes the files of the database, and nothing else. Options do not matter.
    pub fn destroy(self) -> Result<Destroyed> {
        destroy(&self.env.unwrap_or_else(real), &self.path)
    }

    /// Opens the database.
    pub fn open(self) -> Result<Db> {
        let env = self.env.unwrap_or_else(real);
        let chosen = self.default_keyspace.as_ref();
        let (engine, report) = Engine::open(&env, &self.path, &self.options, self.plugins, chosen)?;
        let handle = Arc::new(Handle(engine));
        let state = handle.0.keyspace(DEFAULT_NAME, chosen)?;
        let default = Keyspace { inner: KeyspaceRef { handle, state } };
        Ok(Db { default, report: Arc::new(report) })
    }
}

impl Db {
    /// Opens the database in a directory, and makes it if there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open()
    }

    /// Deletes the files of the database in a directory, and tells what else lies there: that, and
    /// the directory, stays. `Locked` while somebody has it open; a directory without a database
    /// is refused and not touched. After a crash in the middle, call it again: until then the
    /// directory opens as before or is refused.
    pub fn destroy(path: impl AsRef<Path>) -> Result<Destroyed> {
        Self::builder(path).destroy()
    }

    /// Prepares an opening.
    #[must_use]
    pub fn builder(path: impl AsRef<Path>) -> Builder {
        let (path, options) = (path.as_ref().to_path_buf(), Options::new());
        let (env, plugins, default_keyspace) = (None, Plugins::default(), None);
        Builder { path, options, env, plugins, default_keyspace }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.default.inner.engine()
    }

    /// What the opening found.
    #[must_use]
    pub fn open_report(&self) -> &OpenReport {
        &self.report
    }

    /// The directory that it was opened in, as the opening named it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.engine().path
    }

    /// The keyspace that every database has.
    #[must_use]
    pub fn default_keyspace(&self) -> &Keyspace {
        &self.default
    }

    /// The keyspace of this name, made if there is none.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace> {
        self.engine().keyspace(name, None).map(|state| self.wrap(state))
    }

    /// The keyspace of this name, made with these options; one that is there with others is
    /// refused.
    pub fn keyspace_with(&self, name: &str, options: KeyspaceOptions) -> Result<Keyspace> {
        self.engine().keyspace(name, Some(&options)).map(|state| self.wrap(state))
    }

    fn wrap(&self, state: Arc<crate::engine::keyspaces::KeyspaceState>) -> Keyspace {
        Keyspace { inner: KeyspaceRef { handle: self.default.inner.handle.clone(), state } }
    }

    /// The names of all keyspaces but the default one, in order.
    #[must_use]
    pub fn keyspace_names(&self) -> Vec<String> {
        let all = self.engine().keyspaces.all().into_iter().filter(|state| state.check().is_ok());
        all.map(|state| state.name.clone()).filter(|name| name != DEFAULT_NAME).collect()
    }

    /// Drops a keyspace with everything in it; false if there is none. Its handles answer `Closed`.
    pub fn drop_keyspace(&self, name: &str) -> Result<bool> {
        self.engine().drop_keyspace(name)
    }

    /// An empty batch.
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch::new()
    }

    /// Writes a batch: all of it or nothing, for every reader and after every crash. Answers the
    /// sequence number of its last write.
    pub fn write(&self, batch: &Batch) -> Result<SeqNo> {
        self.write_with(batch, &WriteOptions::new())
    }

    /// As `write`, chosen for this write.
    pub fn write_with(&self, batch: &Batch, options: &WriteOptions) -> Result<SeqNo> {
        options.refuse_expiry()?;
        self.engine().write(&batch.writing(self.engine(), options)?)
    }

    /// The whole database as it is now.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let engine = self.engine();
        engine.check_open()?;
        Ok(Snapshot { pin: Arc::new(engine.take_snapshot()) })
    }

    /// Shows what the writer, in another process, has done up to now; true if there is something
    /// new. For a database that was opened with `read_only`: until then reads show what they
    /// showed. Snapshots and open iterators stay what they are. In a writer there is never
    /// anything new.
    ///
    /// ```
    /// # fn main() -> lsm_core::Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("lsm-refresh-{}", std::process::id()));
    /// use lsm_core::{Db, Options};
    ///
    /// let writer = Db::open(&dir)?;
    /// let reader = Db::builder(&dir).options(Options::new().read_only(true)).open()?;
    /// writer.put("a", "1")?;
    /// assert_eq!(reader.get("a")?, None);
    /// assert!(reader.refresh()?);
    /// assert_eq!(reader.get("a")?.as_deref(), Some(&b"1"[..]));
    /// # drop((writer, reader));
    /// # Db::destroy(&dir)?;
    /// # std::fs::remove_dir(&dir).ok();
    /// # Ok(())
    /// # }
    /// ```
    pub fn refresh(&self) -> Result<bool> {
        self.engine().refresh()
    }

    /// The readers in this and other processes, as their slots in the lock file say: the writer
    /// keeps files for them. One without a slot is not among them.
    pub fn readers(&self) -> Result<Vec<ReaderInfo>> {
        self.engine().reader_slots()
    }

    /// Makes every logged write so far durable.
    pub fn sync(&self) -> Result<()> {
        self.engine().sync()
    }

    /// Returns once the write with this sequence number, and every logged one before it, is
    /// durable.
    pub fn wait_durable(&self, seqno: SeqNo) -> Result<()> {
        self.wait_durable_for(seqno, None)
    }

    /// As `wait_durable`, giving up after `timeout`.
    pub fn wait_durable_for(&self, seqno: SeqNo, timeout: Option<Duration>) -> Result<()> {
        self.engine().wait_durable(seqno, timeout)
    }

    /// The sequence number of the last write that readers see.
    #[must_use]
    pub fn latest_seqno(&self) -> SeqNo {
        self.engine().visible()
    }

    /// Every logged write up to this sequence number is durable. A reader beside a writer knows it
    /// of what is in tables.
    #[must_use]
    pub fn durable_seqno(&self) -> SeqNo {
        self.engine().journal.durable_seqno()
    }

    /// The fault that stopped writes, if one did.
    #[must_use]
    pub fn fault(&self) -> Option<Error> {
        let engine = self.engine();
        engine.journal.fault().or_else(|| engine.health.fault())
    }

    /// Takes up writing again after a fault, once its cause is mended.
    pub fn resume(&self) -> Result<()> {
        self.engine().resume()
    }

    /// What was counted and measured since the opening, and what there is now. Cheap enough for
    /// every second: it looks at each table once, and reads no file.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(self.engine())
    }

    /// Says in plain words what is wrong or slow, and which limit or option causes it; nothing if
    /// all is well. Judged by `stats`, by how the database was opened and by what the opening
    /// found, so it says most of a database that has been at work for a while. As cheap as `stats`.
    pub fn doctor(&self) -> Result<Diagnosis> {
        self.engine().check_open()?;
        Ok(Diagnosis::of(&Facts::of(self.engine(), &self.report)))
    }

    /// Begins no more merges until `resume_background`, and drops no tables: for hours in which the
    /// disk is needed for something else. A merge that runs goes on to its end, which `wait_idle`
    /// waits for. Flushes go on, and so does what `compact` is asked for.
    ///
    /// Writers are not held back for what is not merged in the meantime; reads look in more tables,
    /// and space is not given back. Afterwards writers may be held back until that is made up for.
    /// Pauses count: as many are taken back as were begun. They end with the opening.
    pub fn pause_background(&self) -> Result<()> {
        self.engine().pause_background()
    }

    /// Takes one `pause_background` back; does nothing if there is none.
    pub fn resume_background(&self) -> Result<()> {
        self.engine().resume_background()
    }

    /// Returns once nothing is left to flush, no strategy wants anything merged, or there is a
    /// pause, and the tables that nobody reads any more are gone. Strategies that leave for quiet
    /// times what only makes reads faster do it now.
    pub fn wait_idle(&self) -> Result<()> {
        self.wait_idle_with(CallOptions::new())
    }

    /// As `wait_idle`, stopped when told to. How much there is to do is not known, and told as
    /// nothing.
    pub fn wait_idle_with(&self, mut options: CallOptions<'_>) -> Result<()> {
        self.engine().wait_idle(&mut options)
    }

    /// Checks every file: each checksum, the order of entries, the filters, what the manifest says,
    /// the manifest itself and the log, and every large value that the log or a table refers to.
    /// `Corruption` names the file and the byte.
    pub fn verify(&self) -> Result<()> {
        self.verify_with(CallOptions::new())
    }

    /// As `verify`, telling how many bytes are checked, and stopped when it is told to.
    pub fn verify_with(&self, mut options: CallOptions<'_>) -> Result<()> {
        self.engine().verify(&mut options)
    }

    /// Flushes what the log does not hold, makes everything durable and lets go of the directory.
    /// Every other handle answers `Closed` from then on. Dropping the last handle does the same,
    /// and tells nobody how it went.
    pub fn close(self) -> Result<()> {
        self.engine().close()
    }
}

/// What can be handed to any thread, and kept.
const _: () = {
    const fn is_handle<T: Send + Sync + 'static>() {}
    is_handle::<Db>();
    is_handle::<Builder>();
};
