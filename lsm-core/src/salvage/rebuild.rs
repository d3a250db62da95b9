//! The new database, while it is filled: through the same doors as any other, without a log.
//!
//! As long as it is not finished a mark lies beside it, and no opening takes it for a database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::api::db::{Builder, Db};
use crate::api::keyspace::Keyspace;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sort::sort_by;
use crate::batch::{Record, Records};
use crate::condition::Conditions;
use crate::engine::keyspaces::DEFAULT_NAME;
use crate::engine::write::Writing;
use crate::env::fs::{Directory, write_all_at};
use crate::env::world::Env;
use crate::journal::destroy::destroy;
use crate::journal::directory::open_or_make_dir;
use crate::key::keyspace::KeyspaceId;
use crate::options::durability::{Durability, IfMissing};
use crate::options::keyspace::KeyspaceOptions;
use crate::options::progress::CallOptions;
use crate::options::write::WriteOptions;
use crate::record::header::MAGIC;
use crate::record::names::UNFINISHED;
use crate::salvage::findings::Findings;
use crate::salvage::known::Known;
use crate::salvage::report::SalvagedKeyspace;

/// So many bytes are written as one.
const BATCH_BYTES: usize = 64 << 10;

/// The database that is filled.
pub struct Rebuild {
    env: Env,
    dir: Arc<dyn Directory>,
    /// There until it is closed.
    db: Option<Db>,
    /// The keyspaces, by the numbers that they had.
    keyspaces: BTreeMap<KeyspaceId, Rebuilt>,
    records: Records,
    used: BTreeMap<KeyspaceId, Keyspace>,
    write: WriteOptions,
    is_finished: bool,
}

/// A keyspace that is filled.
struct Rebuilt {
    keyspace: Keyspace,
    is_name_lost: bool,
}

/// Refuses a directory that is there.
pub fn check_missing(env: &Env, path: &Path) -> Result<()> {
    match env.fs.open_dir(path) {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            let message = "the directory for the new database exists: name one that does not; \
                           nothing was changed";
            Err(Error::new(ErrorKind::Exists, message).at_path(path))
        }
    }
}

/// What is made with the options of a keyspace, or, if they cannot be had, with the usual ones.
fn as_chosen<T>(
    name: &str,
    options: Result<KeyspaceOptions>,
    findings: &mut Findings,
    make: impl Fn(KeyspaceOptions) -> Result<T>,
) -> Result<T> {
    let mut usual = KeyspaceOptions::new();
    if let Ok(options) = &options {
        usual = usual.comparator(options.get_comparator().clone());
    }
    options.and_then(&make).or_else(|error| {
        let is_choice = matches!(
            error.kind(),
            ErrorKind::InvalidArgument | ErrorKind::Unsupported | ErrorKind::Format
        );
        if !is_choice {
            return Err(error);
        }
        let note = format!("the keyspace `{name}` has the usual options: {error}");
        let made = make(usual)?;
        findings.notes.push(note);
        Ok(made)
    })
}

impl Rebuild {
    /// Makes the database and its mark. The builder's options are those of the new database; how
    /// its default keyspace is kept is known from the old one, or the builder says so.
    pub fn begin(
        builder: &Builder,
        env: &Env,
        path: &Path,
        (known, findings): (&Known, &mut Findings),
    ) -> Result<Self> {
        check_missing(env, path)?;
        let dir = open_or_make_dir(env, path, IfMissing::MustBeMissing)?;
        let mark = dir.create(UNFINISHED)?;
        let mut rebuild = Self {
            env: env.clone(),
            dir,
            db: None,
            keyspaces: BTreeMap::new(),
            records: Records::default(),
            used: BTreeMap::new(),
            write: WriteOptions::new().durability(Durability::Volatile),
            is_finished: false,
        };
        write_all_at(mark.as_ref(), &MAGIC, 0)?;
        mark.sync_data()?;
        rebuild.dir.sync()?;
        let options = builder.options.clone().if_missing(IfMissing::MustBeMissing);
        let mut opening = Db::builder(path).options(options).env(env.clone());
        opening.plugins = builder.plugins.clone();
        // Keys are written here in the form in which they were stored.
        opening.plugins.orders.excuse_missing();
        // Operands are copied, not folded: whoever opens the new database has the operators.
        opening.plugins.operators.excuse_missing();
        // And what is there is brought as it is.
        opening.plugins.filters.switch_off();
        let text = known.catalog.options_of(KeyspaceId::DEFAULT);
        let chosen = match (text, &builder.default_keyspace) {
            ("", chosen) => Ok(chosen.clone().unwrap_or_default()),
            (text, _) => KeyspaceOptions::parse(text),
        };
        let open = |options| opening.clone().default_keyspace(options).open();
        rebuild.db = Some(as_chosen(DEFAULT_NAME, chosen, findings, open)?);
        Ok(rebuild)
    }

    fn db(&self) -> Result<&Db> {
        let gone = || Error::new(ErrorKind::Internal, "the new database is closed already");
        self.db.as_ref().ok_or_else(gone)
    }

    /// Makes the keyspaces that are known by their names.
    pub fn make_keyspaces(&mut self, known: &Known, findings: &mut Findings) -> Result<()> {
        self.keyspace(KeyspaceId::DEFAULT, known, findings)?;
        for &id in known.catalog.keyspaces.keys() {
            self.keyspace(id, known, findings)?;
        }
        Ok(())
    }

    /// A keyspace by the number that it had, made if there is none.
    fn keyspace(
        &mut self,
        id: KeyspaceId,
        known: &Known,
        findings: &mut Findings,
    ) -> Result<Keyspace> {
        if let Some(rebuilt) = self.keyspaces.get(&id) {
            return Ok(rebuilt.keyspace.clone());
        }
        let name = known.catalog.keyspaces.get(&id).cloned();
        let (keyspace, is_name_lost) = match (id, name) {
            (KeyspaceId::DEFAULT, _) => (self.db()?.default_keyspace().clone(), false),
            (_, Some(name)) => {
                let text = known.catalog.options_of(id);
                (self.make(&name, text, findings)?, false)
            }
            (id, None) => (self.make(&self.free_name(id, known), "", findings)?, true),
        };
        self.keyspaces.insert(id, Rebuilt { keyspace: keyspace.clone(), is_name_lost });
        Ok(keyspace)
    }

    /// A name for a keyspace that has lost its own.
    fn free_name(&self, id: KeyspaceId, known: &Known) -> String {
        let mut name = format!("recovered-{}", id.get());
        while known.catalog.keyspaces.values().any(|other| *other == name) {
            name.push('-');
        }
        name
    }

    fn make(&self, name: &str, text: &str, findings: &mut Findings) -> Result<Keyspace> {
        let db = self.db()?;
        let make = |options| db.keyspace_with(name, options);
        as_chosen(name, KeyspaceOptions::parse(text), findings, make)
    }

    /// Writes a record; its keyspace is the one that it had.
    pub fn put(
        &mut self,
        record: Record<'_>,
        known: &Known,
        findings: &mut Findings,
    ) -> Result<()> {
        let keyspace = self.keyspace(record.keyspace, known, findings)?;
        let id = keyspace.inner.state.id;
        self.records.push_again(&Record { keyspace: id, ..record })?;
        self.used.entry(id).or_insert(keyspace);
        if self.records.bytes().len() >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    /// Writes what was collected.
    pub fn write(&mut self) -> Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        let keyspaces: Vec<_> = self.used.values().map(|it| it.inner.state.clone()).collect();
        let writing = Writing {
            records: &self.records,
            keyspaces: &keyspaces,
            conditions: Conditions::NONE,
            options: &self.write,
            is_stamped: false,
            apart: None,
        };
        self.db()?.engine().write(&writing)?;
        self.records.clear();
        self.used.clear();
        Ok(())
    }

    /// The names in the new database, by the numbers that keyspaces had.
    #[must_use]
    pub fn names(&self) -> BTreeMap<KeyspaceId, String> {
        self.keyspaces.iter().map(|(&id, it)| (id, it.keyspace.name().to_owned())).collect()
    }

    /// Makes everything durable, checks it, counts it, and takes the mark away. `told` is asked now
    /// and then whether to go on.
    pub fn finish(
        &mut self,
        told: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<SalvagedKeyspace>> {
        self.write()?;
        self.db()?.flush_with(CallOptions::new())?;
        told()?;
        let mut stopped = None;
        let mut go_on = |_| match told() {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(error) => {
                stopped = Some(error);
                std::ops::ControlFlow::Break(())
            }
        };
        let mut keyspaces = Vec::new();
        let mut check = || {
            self.db()?.verify_with(CallOptions::new().progress(&mut go_on))?;
            for rebuilt in self.keyspaces.values() {
                let call = CallOptions::new().progress(&mut go_on);
                keyspaces.push(SalvagedKeyspace {
                    name: rebuilt.keyspace.name().to_owned(),
                    is_name_lost: rebuilt.is_name_lost,
                    pairs: rebuilt.keyspace.count_with(.., call)?,
                });
            }
            Ok(())
        };
        let checked: Result<()> = check();
        checked.map_err(|error| stopped.unwrap_or(error))?;
        sort_by(&mut keyspaces, |a, b| a.name.cmp(&b.name));
        self.keyspaces.clear();
        self.used.clear();
        if let Some(db) = self.db.take() {
            db.close()?;
        }
        self.dir.unlink(UNFINISHED)?;
        self.dir.sync()?;
        self.is_finished = true;
        Ok(keyspaces)
    }
}

/// What was not finished goes; where even that fails, the mark stays.
impl Drop for Rebuild {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        self.keyspaces.clear();
        self.used.clear();
        if let Some(db) = self.db.take() {
            let _it_goes_anyway = db.close();
        }
        let path = self.dir.path().to_path_buf();
        if destroy(&self.env, &path).is_ok() {
            let _somebody_uses_it = self.env.fs.remove_dir(&path);
        }
    }
}
