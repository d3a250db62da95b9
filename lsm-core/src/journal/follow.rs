//! Following a database that another process writes.
//!
//! What a reader shows is the tables of one edit of the manifest, and what the log holds beyond
//! them up to one record: a state that the writer was in. To get there it reads the manifest, then
//! the log that this lists, and looks once more whether a keyspace was made or dropped meanwhile,
//! because that would have to be seen before what was written after it.
//!
//! The writer goes on all the time. Its files stay, for the reader's slot says so; but what is read
//! may be half written, or lead to what was not there a moment ago. So whatever looks like damage
//! is looked at again, and is believed if nothing has moved in between.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::blob::store::Blobs;
use crate::env::fs::Directory;
use crate::env::schedule::Signal;
use crate::env::world::Env;
use crate::journal::listing::Listing;
use crate::journal::readers::{Pulse, Slot};
use crate::journal::recovery::{listed_of, witness_of};
use crate::journal::rescue::is_sound;
use crate::key::seqno::SeqNo;
use crate::version::catalog::Catalog;
use crate::version::follow::Following;
use crate::wal::chain::follow::{Followed, Reached, Taken};
use crate::wal::chain::{Chain, Replayed};

/// So many looks that show the same trouble make it an error.
const LOOKS: u32 = 6;
/// So many looks in which something has moved are enough, too.
const ROUNDS_MAX: u32 = 10_000;
/// The wait before the second look; the later ones are longer.
const PAUSE: Duration = Duration::from_millis(1);

/// Who takes in what the log holds.
pub trait Follow {
    /// Forgets what was taken in: all of it comes again.
    fn begin(&mut self) -> Result<()>;

    /// Forgets what tables hold now, everything up to `flushed`; false if that cannot be told from
    /// the rest.
    fn forget_up_to(&mut self, flushed: SeqNo) -> Result<bool>;

    /// Takes in a batch. After an error all of it comes again.
    fn take_in(&mut self, catalog: &Catalog, batch: &Replayed<'_>) -> Result<Taken>;
}

/// How long a refresh may go on looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// A caller waits for it: between two looks the writer gets some time.
    Waits,
    /// A job does it, and will be back.
    None,
}

/// How far a database was followed.
#[derive(Debug)]
pub struct Follower {
    env: Env,
    dir: Arc<dyn Directory>,
    slot: Option<Arc<Slot>>,
    manifest: Option<Following>,
    reached: Option<Reached>,
    /// What was taken in is above this number; `None` if it is to be taken in anew.
    above: Option<SeqNo>,
    is_closed: bool,
}

impl Follower {
    /// One who has seen nothing yet. Without a slot nothing is kept for it.
    #[must_use]
    pub fn new(env: &Env, dir: Arc<dyn Directory>, slot: Option<Arc<Slot>>) -> Self {
        let env = env.clone();
        Self { env, dir, slot, manifest: None, reached: None, above: None, is_closed: false }
    }

    /// Goes on from what a recovery has read while nobody wrote. False if somebody writes now.
    pub fn go_on(&mut self, catalog: &Catalog, reached: Reached) -> Result<bool> {
        let manifest = Following::begin(&self.dir, self.env.host.boot_id())?;
        let is_same = manifest.catalog().edit == catalog.edit;
        if is_same {
            (self.manifest, self.reached) = (Some(manifest), Some(reached));
            self.above = Some(catalog.flushed);
        }
        Ok(is_same)
    }

    /// What the manifest added up to at the last look that succeeded.
    #[must_use]
    pub fn catalog(&self) -> Option<&Catalog> {
        self.manifest.as_ref().map(Following::catalog)
    }

    /// How far the log was read.
    #[must_use]
    pub fn reached(&self) -> Reached {
        self.reached.unwrap_or_default()
    }

    /// Tells whether two looks have shown the same tables.
    #[must_use]
    pub fn place(&self) -> (u64, u64, u64) {
        self.manifest.as_ref().map_or((0, 0, 0), Following::place)
    }

    /// Everything comes anew with the next refresh.
    pub fn forget(&mut self) {
        self.above = None;
    }

    /// Says which edit is the oldest that is still read, and begins the lease anew.
    pub fn need(&self, edit: u64, seqno: u64) -> Result<()> {
        match &self.slot {
            Some(slot) if !self.is_closed => slot.need(edit, seqno),
            _ => Ok(()),
        }
    }

    /// What keeps the lease while a log is read.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse::new(self.slot.clone())
    }

    /// Nothing is read any more, and the slot is somebody else's.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Takes in what has come since the last time. After an error what was seen before stands.
    pub fn refresh(&mut self, into: &mut dyn Follow, patience: Patience) -> Result<()> {
        if self.is_closed {
            return Err(Error::closed());
        }
        let (mut looks, mut before) = (0, None);
        for _ in 0..ROUNDS_MAX {
            let error = match self.look(into) {
                Ok(true) => return Ok(()),
                Ok(false) => continue,
                Err(error) => error,
            };
            if !may_pass(&error) {
                return Err(error);
            }
            let now = Some((self.place(), self.reached));
            looks = if now == before { looks + 1 } else { 1 };
            before = now;
            if looks >= LOOKS {
                return Err(self.told(error));
            }
            if patience == Patience::Waits {
                self.pause(looks);
            }
        }
        let message = "the database changes faster than it can be read: refresh again";
        Err(Error::new(ErrorKind::Busy, message).at_path(self.dir.path()))
    }

    /// One look; false if another one is needed, because something was met that is newer than what
    /// was looked at first.
    fn look(&mut self, into: &mut dyn Follow) -> Result<bool> {
        let mut pulse = self.pulse();
        pulse.beat();
        match &mut self.manifest {
            Some(manifest) => manifest.advance()?,
            None => self.manifest = Some(Following::begin(&self.dir, self.env.host.boot_id())?),
        }
        let Some(manifest) = &self.manifest else { return Ok(false) };
        let catalog = manifest.catalog();
        let is_kept = match self.above {
            Some(above) if above == catalog.flushed => true,
            Some(above) if above < catalog.flushed => into.forget_up_to(catalog.flushed)?,
            _ => false,
        };
        if !is_kept {
            self.above = None;
            into.begin()?;
            self.reached = None;
        }
        self.above = Some(catalog.flushed);
        let witness = witness_of(catalog, self.env.host.as_ref());
        let chain = Chain::open(self.dir.as_ref(), &listed_of(catalog), &witness)?;
        let mut is_torn = false;
        let blobs = OnceCell::new();
        let mut is_whole = |batch: &Replayed<'_>| {
            let blobs = blobs.get_or_init(|| {
                let blobs = Blobs::new(self.dir.clone());
                blobs.follow(&catalog.blobs);
                blobs
            });
            let entry = |file: u64| catalog.blobs.get(&file);
            let is_in_doubt = |file| entry(file).is_some_and(|entry| entry.bytes.is_none());
            is_sound(catalog, blobs, batch, &is_in_doubt)
        };
        let followed = chain.follow_sound(&mut self.reached, &mut is_whole, &mut |batch| {
            pulse.beat();
            into.take_in(catalog, batch).inspect_err(|_| is_torn = true)
        });
        if is_torn {
            self.above = None;
        }
        match followed? {
            Followed::UpTo(_) => {}
            Followed::Behind(_) if manifest.has_other_keyspaces()? => return Ok(false),
            Followed::Behind(_) if manifest.has_later_blobs()? => return Ok(false),
            Followed::Behind(_) => return Err(unknown_keyspace(self.dir.as_ref())),
            Followed::Elsewhere => {
                self.above = None;
                return Ok(false);
            }
        }
        Ok(planted(Bug::KeyspacesNotLookedAtTwice) || !manifest.has_other_keyspaces()?)
    }

    fn pause(&self, looks: u32) {
        let now = self.env.clock.monotonic();
        let until = now.saturating_add(PAUSE.saturating_mul(1 << looks.min(5)));
        let nobody = Signal::new();
        let _always_late = self.env.scheduler.wait(&nobody, Some(until), &mut || false);
    }

    /// The error, or that there is nothing left to read.
    fn told(&self, error: Error) -> Error {
        let is_gone = match Listing::read(self.dir.as_ref()) {
            Ok(listing) => !listing.has_head && listing.manifests.is_empty(),
            Err(error) => error.is_not_found(),
        };
        if is_gone { vanished(self.dir.as_ref()) } else { error }
    }
}

/// What is answered when the files of the database are gone.
#[must_use]
pub fn vanished(dir: &dyn Directory) -> Error {
    let message = "the database has vanished: its files were deleted under the reader";
    Error::new(ErrorKind::Io, message).at_path(dir.path())
}

/// What a log says that is not this manifest's.
#[must_use]
pub fn unknown_keyspace(dir: &dyn Directory) -> Error {
    let message = "the log is about a keyspace, or a file of large values, that the manifest does \
                   not know";
    Error::new(ErrorKind::Corruption, message).at_path(dir.path())
}

/// True if another look may show that nothing is wrong.
fn may_pass(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corruption | ErrorKind::Io | ErrorKind::Busy)
}
