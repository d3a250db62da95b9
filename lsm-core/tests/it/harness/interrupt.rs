//! A world in which somebody else acts between two of its operations: the disk is shared with
//! another process, whose whole act falls before the operation of a given number.

use std::path::Path;
use std::sync::{Arc, Mutex};

use lsm_core::base::error::Result;
use lsm_core::env::fs::{Access, Claim, Directory, Entry, File, FileSystem, Lock, Medium, Window};
use lsm_core::env::world::Env;

type Act = Box<dyn FnMut() + Send>;

/// When somebody else acts.
#[derive(Clone)]
pub struct Interrupts(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    operations: u64,
    /// Before the operation with this number.
    at: u64,
    /// And then again after so many operations; never if 0.
    every: u64,
    act: Option<Act>,
}

impl std::fmt::Debug for Interrupts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupts")
    }
}

impl Interrupts {
    /// Nobody acts.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner::default())))
    }

    /// This happens before the `at`th operation from now.
    pub fn once(&self, at: u64, act: impl FnMut() + Send + 'static) {
        self.set(at, 0, Some(Box::new(act)));
    }

    /// This happens before the `at`th operation from now, and before each `every`th after it.
    pub fn again(&self, at: u64, every: u64, act: impl FnMut() + Send + 'static) {
        self.set(at, every, Some(Box::new(act)));
    }

    /// Nobody acts any more; answers how many operations there were since the last call.
    pub fn end(&self) -> u64 {
        self.set(0, 0, None)
    }

    fn set(&self, at: u64, every: u64, act: Option<Act>) -> u64 {
        let mut inner = self.0.lock().unwrap();
        let operations = inner.operations;
        *inner = Inner { operations: 0, at, every, act };
        operations
    }

    fn tick(&self) {
        let mut inner = self.0.lock().unwrap();
        inner.operations += 1;
        if inner.operations != inner.at {
            return;
        }
        inner.at += inner.every;
        let Some(mut act) = inner.act.take() else { return };
        drop(inner);
        act();
        let mut inner = self.0.lock().unwrap();
        if inner.every > 0 && inner.act.is_none() {
            inner.act = Some(act);
        }
    }

    /// The same world, interrupted.
    pub fn world(&self, env: &Env) -> Env {
        let fs = Arc::new(Fs { inner: env.fs.clone(), all: self.clone() });
        Env { fs, ..env.clone() }
    }
}

#[derive(Debug)]
struct Fs {
    inner: Arc<dyn FileSystem>,
    all: Interrupts,
}

impl FileSystem for Fs {
    fn create_dir(&self, path: &Path) -> Result<()> {
        self.all.tick();
        self.inner.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        self.all.tick();
        self.inner.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        self.inner.sync_dir(path)
    }

    fn open_dir(&self, path: &Path) -> Result<Arc<dyn Directory>> {
        self.all.tick();
        let inner = self.inner.open_dir(path)?;
        Ok(Arc::new(Dir { inner, all: self.all.clone() }))
    }
}

#[derive(Debug)]
struct Dir {
    inner: Arc<dyn Directory>,
    all: Interrupts,
}

impl Dir {
    fn file(&self, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(Part { inner, all: self.all.clone() })
    }
}

impl Directory for Dir {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn create(&self, name: &str) -> Result<Arc<dyn File>> {
        self.all.tick();
        self.inner.create(name).map(|file| self.file(file))
    }

    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>> {
        self.all.tick();
        self.inner.open(name, access).map(|file| self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.all.tick();
        self.inner.rename(from, to)
    }

    fn unlink(&self, name: &str) -> Result<()> {
        self.all.tick();
        self.inner.unlink(name)
    }

    fn list(&self) -> Result<Vec<Entry>> {
        self.all.tick();
        self.inner.list()
    }

    fn sync(&self) -> Result<()> {
        self.all.tick();
        self.inner.sync()
    }

    fn medium(&self) -> Result<Medium> {
        self.inner.medium()
    }

    fn lock(&self, name: &str) -> Result<Box<dyn Lock>> {
        self.all.tick();
        self.inner.lock(name)
    }

    fn share(&self, name: &str) -> Result<Box<dyn Lock>> {
        self.all.tick();
        self.inner.share(name)
    }

    fn claim(&self, name: &str, offset: u64, len: u64) -> Result<Box<dyn Claim>> {
        self.all.tick();
        self.inner.claim(name, offset, len)
    }

    fn is_claimed(&self, name: &str, offset: u64, len: u64) -> Result<bool> {
        self.all.tick();
        self.inner.is_claimed(name, offset, len)
    }
}

#[derive(Debug)]
struct Part {
    inner: Arc<dyn File>,
    all: Interrupts,
}

impl File for Part {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn len(&self) -> Result<u64> {
        self.all.tick();
        self.inner.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.all.tick();
        self.inner.read_at(buffer, offset)
    }

    fn written_len(&self) -> Result<u64> {
        self.inner.written_len()
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.all.tick();
        self.inner.write_at(bytes, offset)
    }

    fn write_past_cache(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.all.tick();
        self.inner.write_past_cache(bytes, offset)
    }

    fn allocate(&self, len: u64) -> Result<()> {
        self.all.tick();
        self.inner.allocate(len)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.all.tick();
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.all.tick();
        self.inner.sync_data()
    }

    fn sync_all(&self) -> Result<()> {
        self.all.tick();
        self.inner.sync_all()
    }

    fn map(&self, offset: u64, len: u64) -> Result<Box<dyn Window>> {
        self.all.tick();
        self.inner.map(offset, len)
    }
}
