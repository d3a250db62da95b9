//! What the stories on the real machine share: directories that go away, a database on the real
//! file system, and this program once more as another process.

#![allow(unsafe_code, reason = "file systems are mounted here")]

use std::ffi::CString;
use std::fs;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm_core::base::error::Result;
use lsm_core::env::os::world::real;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::{JournalOptions, OpenReport};
use lsm_core::options::log_mode::LogMode;

pub const MODES: [LogMode; 2] = [LogMode::Write, LogMode::Mapped];

/// Set in a process that a story has started from this program.
const ROLE: &str = "LSM_TEST_ROLE";

/// A directory that goes away with this value.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let temp = std::env::temp_dir().canonicalize().unwrap();
        loop {
            let number = COUNT.fetch_add(1, Ordering::SeqCst);
            let path = temp.join(format!("lsm-story-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                Err(error) if error.kind() == IoErrorKind::AlreadyExists => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Where a database may be made.
    pub fn db(&self) -> PathBuf {
        self.0.join("db")
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.0);
    }
}

/// A file system in memory, of some size, that goes away with this value.
pub struct Medium(PathBuf);

impl Medium {
    /// Mounts one in `dir`; `None` if this process may not.
    pub fn of_bytes(dir: &Path, bytes: u64) -> Option<Self> {
        let path = dir.join("medium");
        fs::create_dir(&path).unwrap();
        mount(&path, 0, &format!("size={bytes}")).then(|| Self(path))
    }

    /// From now on nothing can be written to it; false if that is refused.
    pub fn becomes_read_only(&self) -> bool {
        mount(&self.0, libc::MS_REMOUNT | libc::MS_RDONLY, "")
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        let path = CString::new(self.0.as_os_str().as_bytes()).unwrap();
        // SAFETY: the path ends in a zero byte.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    }
}

fn mount(path: &Path, flags: libc::c_ulong, with: &str) -> bool {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let (kind, with) = (c"tmpfs".as_ptr(), CString::new(with).unwrap());
    // SAFETY: the strings end in zero bytes and live as long as the call.
    unsafe { libc::mount(kind, path.as_ptr(), kind, flags, with.as_ptr().cast()) == 0 }
}

/// A batch as the log handed it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub first: u64,
    pub count: u32,
    pub payload: Vec<u8>,
}

/// Small segments, so that many are used.
pub fn options(mode: LogMode) -> JournalOptions {
    JournalOptions {
        log_mode: mode,
        segment_bytes_min: 16 << 10,
        segment_bytes_max: 256 << 10,
        ..JournalOptions::default()
    }
}

/// Opens the database on the real file system; answers what was replayed too.
pub fn open(path: &Path, options: JournalOptions) -> Result<(Journal, OpenReport, Vec<Batch>)> {
    let mut batches = Vec::new();
    let (journal, report) = Journal::open(&real(), path, options, &mut |_, batch| {
        let first = batch.first.get();
        batches.push(Batch { first, count: batch.count, payload: batch.payload.to_vec() });
        Ok(())
    })?;
    Ok((journal, report, batches))
}

/// This program once more, to run the ignored test `child` of this module and nothing else.
pub fn again(module: &str, role: &[&str]) -> Command {
    let (_, inside) = module.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        &format!("{inside}::child"),
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env(ROLE, role.join("\n")).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// What this process was started for; `None` if it is the one that tells the stories.
pub fn role() -> Option<Vec<String>> {
    let role = std::env::var(ROLE).ok()?;
    Some(role.split('\n').map(str::to_owned).collect())
}

/// What another process says to the story that has started it, on a line of its own.
pub fn tell(line: &str) {
    // One write below the size of a pipe: it arrives whole or not at all.
    std::io::stdout().write_all(format!("\n@{line}\n").as_bytes()).unwrap();
}

pub fn mode_name(mode: LogMode) -> &'static str {
    match mode {
        LogMode::Write => "write",
        LogMode::Mapped => "mapped",
        LogMode::Auto => "auto",
    }
}

pub fn mode_of(name: &str) -> LogMode {
    if name == "mapped" { LogMode::Mapped } else { LogMode::Write }
}

/// Numbers that look random: the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }
}
