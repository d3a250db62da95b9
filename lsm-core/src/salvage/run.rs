//! The way of a salvage: what lies there, what is known, what can be read; then the new database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::api::db::Builder;
use crate::base::error::{Error, ErrorKind, Result};
use crate::batch::{Record, read};
use crate::cursor::tombstone::{Fragments, Tombstone};
use crate::env::fs::{Directory, Lock};
use crate::env::world::Env;
use crate::journal::directory::no_database;
use crate::journal::lockfile;
use crate::journal::recovery::{listed_of, witness_of};
use crate::key::full::{keyspace_of, user_key};
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::key::trailer::kind_of;
use crate::options::progress::CallOptions;
use crate::record::header::FileKind;
use crate::record::names::{self, LOCK};
use crate::salvage::findings::{Findings, KeySpan, Loss};
use crate::salvage::inventory::{Inventory, Item};
use crate::salvage::known::Known;
use crate::salvage::large::LargeValues;
use crate::salvage::log::SalvagedLog;
use crate::salvage::merge::Merged;
use crate::salvage::rebuild::{Rebuild, check_missing};
use crate::salvage::report::SalvageReport;
use crate::salvage::table::Candidate;
use crate::table::footer::{FOOTER_LEN, Footer};
use crate::version::tree::SliceMeta;
use crate::wal::chain::Chain;

/// Whoever waits is told after so many keys at the latest.
const TELL_KEYS: u64 = 1024;

/// Where the log is read from.
enum Log {
    /// All of it is there, and was held against all that is known of it.
    Whole,
    /// As much of it as can be read.
    Salvaged(SalvagedLog),
}

/// A salvage on its way.
struct Salvage<'a, 'c> {
    env: &'a Env,
    inventory: Inventory,
    findings: Findings,
    known: Known,
    tables: Vec<Candidate>,
    tombstones: Vec<Tombstone>,
    /// Entries up to this number are in tables, or gone.
    flushed: SeqNo,
    call: &'a mut CallOptions<'c>,
    done: u64,
    total: u64,
}

/// Rebuilds what can be read of the database at the builder's path in `new_path`, which is made.
pub fn salvage(
    builder: &Builder,
    env: &Env,
    new_path: &Path,
    call: &mut CallOptions<'_>,
) -> Result<SalvageReport> {
    builder.options.check()?;
    let path = &builder.path;
    check_paths(path, new_path)?;
    if builder.options.is_read_only() {
        let message = "a salvage writes a new database: it cannot be read-only";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    let missing = |error: Error| if error.is_not_found() { no_database(path) } else { error };
    let dir = env.fs.open_dir(path).map_err(missing)?;
    check_missing(env, new_path)?;
    call.begin(|| env.clock.monotonic());
    let mut findings = Findings::default();
    let lock = share(dir.as_ref(), &mut findings)?;
    let inventory = Inventory::read(dir)?;
    if inventory.items.iter().any(Item::is_mark) {
        findings.notes.push("this is what an unfinished salvage has left".to_owned());
    }
    let known = Known::read(&inventory, &mut findings)?;
    let mut salvage = Salvage {
        env,
        inventory,
        findings,
        known,
        tables: Vec::new(),
        tombstones: Vec::new(),
        flushed: SeqNo::ZERO,
        call,
        done: 0,
        total: 0,
    };
    let report = salvage.run(builder, new_path);
    drop(lock);
    report
}

/// Keeps writers away meanwhile, and writes nothing for that.
fn share(dir: &dyn Directory, findings: &mut Findings) -> Result<Option<Box<dyn Lock>>> {
    match lockfile::share(dir) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == ErrorKind::Locked => Err(error),
        Err(error) => {
            let note = format!("nothing keeps a writer away while this reads: {error}");
            let note =
                if error.is_not_found() { format!("there is no {LOCK}: {note}") } else { note };
            findings.notes.push(note);
            Ok(None)
        }
    }
}

fn check_paths(path: &Path, new_path: &Path) -> Result<()> {
    if new_path.starts_with(path) && new_path != path {
        let message = "the new database cannot lie in the damaged one, which is not written to";
        return Err(Error::new(ErrorKind::InvalidArgument, message).at_path(new_path));
    }
    Ok(())
}

impl Salvage<'_, '_> {
    fn run(&mut self, builder: &Builder, new_path: &Path) -> Result<SalvageReport> {
        let log = self.read_log()?;
        self.tables = self.candidates()?;
        self.note_uncertain();
        let there = self.tables.iter().filter(|table| table.is_there);
        let bytes = there.map(|table| table.bytes).fold(0, u64::saturating_add);
        self.total = bytes.saturating_add(match &log {
            Log::Whole => 0,
            Log::Salvaged(log) => log.bytes(),
        });
        self.tell(0)?;
        self.look_at_tables()?;
        let known = (&self.known, &mut self.findings);
        let mut rebuild = Rebuild::begin(builder, self.env, new_path, known)?;
        rebuild.make_keyspaces(&self.known, &mut self.findings)?;
        let large = LargeValues::find(&self.inventory, &self.known, &mut self.findings);
        self.copy_tables(&mut rebuild, &large)?;
        self.copy_log(&log, &mut rebuild, &large)?;
        // A loss in a keyspace of which nothing is left is told all the same.
        let names = rebuild.names();
        let (call, env, done, total) = (&mut *self.call, self.env, self.done, self.total);
        let keyspaces = rebuild.finish(&mut || {
            call.report(done, total)?;
            call.check_time(|| env.clock.monotonic())
        })?;
        let mut report = self.report(&names);
        report.keyspaces = keyspaces;
        self.done = self.total;
        self.tell(0)?;
        Ok(report)
    }

    fn tell(&mut self, more: u64) -> Result<()> {
        self.done = self.done.saturating_add(more).min(self.total);
        self.call.report(self.done, self.total)?;
        self.call.check_time(|| self.env.clock.monotonic())
    }

    /// Reads the log; what it has seen of the manifest tells whether that is an old copy.
    fn read_log(&mut self) -> Result<Log> {
        let headers = self.inventory.items.iter().filter(|item| self.inventory.is_mine(item));
        let kinds = [FileKind::Log, FileKind::Table, FileKind::Blob];
        let headers = headers.filter_map(|it| it.header.as_ref());
        let seen = headers.filter(|it| kinds.contains(&it.kind)).map(|it| it.edit).max();
        self.hold_against(seen.unwrap_or(0));
        if self.known.is_whole && self.is_log_whole()? {
            return Ok(Log::Whole);
        }
        let mut findings = Findings::default();
        let mut log = SalvagedLog::read(&self.inventory, &self.known, &mut findings)?;
        let was_whole = self.known.is_whole;
        self.hold_against(log.edit);
        if was_whole && !self.known.is_whole {
            findings = Findings::default();
            log = SalvagedLog::read(&self.inventory, &self.known, &mut findings)?;
        }
        self.findings.absorb(findings);
        Ok(Log::Salvaged(log))
    }

    fn hold_against(&mut self, edit: u64) {
        if self.known.is_whole && edit > self.known.catalog.edit {
            self.known.is_whole = false;
            let name = self.manifest_name();
            let why = "the manifest is older than other files: edits of it are missing";
            self.findings.damage_at(&name, None, why);
        }
    }

    fn manifest_name(&self) -> String {
        self.known.manifest.clone().unwrap_or_else(|| "manifest".to_owned())
    }

    /// True if an opening would find nothing wrong with the log.
    fn is_log_whole(&mut self) -> Result<bool> {
        let catalog = &self.known.catalog;
        let witness = witness_of(catalog, self.env.host.as_ref());
        let chain = Chain::open(self.inventory.dir.as_ref(), &listed_of(catalog), &witness);
        let read = chain.and_then(|chain| chain.read(&mut |_| Ok(())));
        match read {
            Ok(read) => {
                if read.dropped_bytes > 0 {
                    let bytes = read.dropped_bytes;
                    let note = format!("{bytes} bytes behind the end of the log were torn");
                    self.findings.notes.push(note);
                }
                for &number in catalog.logs.keys() {
                    let name = names::log(number);
                    let bytes = self.inventory.by_name(&name).map_or(0, |item| item.bytes);
                    self.findings.file(&name, bytes);
                }
                Ok(true)
            }
            Err(error) if crate::salvage::findings::is_of_the_file(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The tables that are to be read.
    fn candidates(&self) -> Result<Vec<Candidate>> {
        if !self.known.is_whole {
            return self.unlisted();
        }
        let catalog = &self.known.catalog;
        let mut oldest: BTreeMap<KeyspaceId, (u8, std::cmp::Reverse<u64>)> = BTreeMap::new();
        let place = |slice: &SliceMeta| (slice.level, std::cmp::Reverse(slice.run));
        for slice in catalog.tables.values().flat_map(|entry| &entry.slices) {
            let known = oldest.entry(slice.keyspace).or_insert_with(|| place(slice));
            *known = (*known).max(place(slice));
        }
        let listed = catalog.tables.values().map(|entry| {
            let name = names::table(entry.meta.number);
            let by_id = self.inventory.by_id(FileKind::Table, entry.meta.file_id);
            let headless = || self.inventory.by_name(&name).filter(|item| item.header.is_none());
            let item = by_id.or_else(headless);
            let name = item.map_or(name.as_str(), |item| &item.name);
            let mut candidate = Candidate::listed(entry, name, item.is_some());
            for (part, slice) in candidate.spans.iter_mut().zip(&entry.slices) {
                part.has_older = oldest.get(&slice.keyspace) != Some(&place(slice));
            }
            candidate
        });
        Ok(listed.collect())
    }

    /// Every table that may belong to the database: which do is not known.
    fn unlisted(&self) -> Result<Vec<Candidate>> {
        let mut tables = Vec::new();
        for item in self.inventory.of(FileKind::Table) {
            let Some(header) = &item.header else { continue };
            if !self.known.gone.contains(&header.number) {
                tables.push(candidate(item, header.number, header.file_id));
            }
        }
        for item in self.inventory.headless(FileKind::Table) {
            let number = item.number().unwrap_or_default();
            if self.known.gone.contains(&number) {
                continue;
            }
            let listed = self.known.catalog.tables.get(&number).map(|entry| entry.meta.file_id);
            let file_id = match listed {
                Some(id) => Some(id),
                None => self.id_in_footer(item)?,
            };
            let is_known = |id: &u64| tables.iter().any(|table: &Candidate| table.file_id == *id);
            match file_id.filter(|id| !is_known(id)) {
                Some(id) => tables.push(candidate(item, number, id)),
                None if item.bytes == 0 || file_id.is_some() => {}
                None => tables.push(Candidate { is_there: true, ..candidate(item, number, 0) }),
            }
        }
        Ok(tables)
    }

    fn id_in_footer(&self, item: &Item) -> Result<Option<u64>> {
        let Some(at) = item.bytes.checked_sub(FOOTER_LEN as u64) else { return Ok(None) };
        let file = self.inventory.open(&item.name)?;
        let mut bytes = [0; FOOTER_LEN];
        let read = crate::env::fs::read_full_at(file.as_ref(), &mut bytes, at);
        Ok(read.and_then(|_| Footer::decode(&bytes, at, file.path())).ok().map(|it| it.file_id))
    }

    /// Without a whole manifest nothing says which tables belong to the database: some may be
    /// missing, and others may be what a merge has left.
    fn note_uncertain(&mut self) {
        if self.known.is_whole {
            if !self.known.is_vouched {
                let note = "no head says where the manifest ends: edits at its end may be missing";
                self.findings.notes.push(note.to_owned());
            }
            return;
        }
        let name = self.manifest_name();
        if self.known.manifest.is_none() {
            self.findings.damage_at(&name, None, "there is no manifest that can be read");
            self.findings.lose_file(&name);
        }
        let loss = Loss { span: KeySpan::all(), older_may_show: true, ..Loss::default() };
        self.findings.lose(&name, loss);
        let note = "which tables belong to the database is not known: those that verify were \
                    read, newer entries before older ones by their sequence numbers; tables and \
                    whole keyspaces may be missing, and what was deleted or replaced may be back";
        self.findings.notes.push(note.to_owned());
    }

    fn look_at_tables(&mut self) -> Result<()> {
        let mut flushed = SeqNo::ZERO;
        for table in &mut self.tables {
            if let Some(damage) =
                self.inventory.by_name(&table.name).and_then(|item| item.damage.as_ref())
            {
                self.findings.damage(&table.name, damage)?;
            }
            let look = table.look(&self.inventory, &mut self.findings)?;
            self.tombstones.extend(look.tombstones);
            if !self.findings.has_lost_from(&table.name) {
                flushed = flushed.max(look.seqno_max.unwrap_or(SeqNo::ZERO));
            }
            self.call.check_time(|| self.env.clock.monotonic())?;
        }
        let is_whole = self.known.is_whole;
        self.flushed = if is_whole { self.known.catalog.flushed } else { flushed };
        Ok(())
    }

    fn copy_tables(&mut self, rebuild: &mut Rebuild, large: &LargeValues) -> Result<()> {
        let tombstones = Arc::new(Fragments::build(std::mem::take(&mut self.tombstones)));
        let tables = std::mem::take(&mut self.tables);
        let inventory = &self.inventory;
        let mut merged = Merged::new(inventory, &tables, tombstones);
        let mut kept = Findings::default();
        let mut keys = 0u64;
        let known = &self.known;
        loop {
            let went_on = merged.next(&mut self.findings, &mut |key, trailer, value| {
                let keyspace = keyspace_of(key);
                let Some(kind) = kind_of(trailer).filter(|_| known.has_keyspace(keyspace)) else {
                    return Ok(());
                };
                let record = Record { kind, keyspace, key: user_key(key), value };
                large.resolve(record, &mut kept, |it, kept| rebuild.put(it, known, kept))
            })?;
            keys += 1;
            if !went_on || keys % TELL_KEYS == 0 {
                self.done = self.done.saturating_add(merged.take_passed()).min(self.total);
                self.call.report(self.done, self.total)?;
                self.call.check_time(|| self.env.clock.monotonic())?;
            }
            if !went_on {
                break;
            }
        }
        self.findings.absorb(kept);
        rebuild.write()
    }

    /// What the log holds and no table does comes on top, in its order.
    fn copy_log(&mut self, log: &Log, rebuild: &mut Rebuild, large: &LargeValues) -> Result<()> {
        let flushed = self.flushed.get();
        let (known, env) = (&self.known, self.env);
        let mut findings = Findings::default();
        let (call, done, total) = (&mut *self.call, self.done, self.total);
        let mut take = |first: u64, payload: &[u8]| {
            for (seqno, record) in (first..).zip(read(payload)) {
                let Some(record) = record else {
                    let note = format!("a batch of the log makes no sense from number {seqno} on");
                    findings.notes.push(note);
                    break;
                };
                if seqno > flushed && known.has_keyspace(record.keyspace) {
                    let put = |it: Record<'_>, found: &mut Findings| rebuild.put(it, known, found);
                    large.resolve(record, &mut findings, put)?;
                }
            }
            call.report(done, total)?;
            call.check_time(|| env.clock.monotonic())
        };
        match log {
            Log::Whole => {
                let witness = witness_of(&known.catalog, env.host.as_ref());
                let listed = listed_of(&known.catalog);
                let chain = Chain::open(self.inventory.dir.as_ref(), &listed, &witness)?;
                chain.read(&mut |batch| take(batch.first.get(), batch.payload))?;
            }
            Log::Salvaged(log) => {
                log.replay(&self.inventory, &mut |batch, payload| take(batch.first, payload))?;
            }
        }
        self.findings.absorb(findings);
        rebuild.write()
    }

    fn report(&mut self, names: &BTreeMap<KeyspaceId, String>) -> SalvageReport {
        let findings = std::mem::take(&mut self.findings);
        let mut names = names.clone();
        for id in findings.keyspaces() {
            if self.known.has_keyspace(id) {
                names.entry(id).or_insert_with(|| format!("recovered-{}", id.get()));
            }
        }
        let is_read = |name: &String| findings.files.contains_key(name);
        let others = self.inventory.items.iter().map(|item| item.name.clone());
        let others = others.filter(|name| !is_read(name) && name != LOCK);
        SalvageReport {
            is_complete: findings.is_complete()
                && self.known.is_whole
                && self.known.is_vouched
                && !findings.notes.iter().any(|note| note.starts_with("a batch of the log")),
            is_manifest_whole: self.known.is_whole,
            lost: findings.ranges(&names),
            ignored: others.chain(self.inventory.others.iter().cloned()).collect(),
            keyspaces: Vec::new(),
            files: findings.files.into_values().collect(),
            lost_log: findings.lost_log,
            notes: findings.notes,
        }
    }
}

fn candidate(item: &Item, number: u64, file_id: u64) -> Candidate {
    Candidate {
        name: item.name.clone(),
        is_there: true,
        number,
        file_id,
        bytes: item.bytes,
        ..Candidate::default()
    }
}
