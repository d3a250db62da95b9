//! Bad input from the real file system: links, pipes, locks held elsewhere, a read-only medium and
//! a forked child each get their own clear error, and nothing is created, changed or deleted.

#![allow(unsafe_code, reason = "pipes and forks are made here")]

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use lsm_core::base::error::{Error, ErrorKind};
use lsm_core::journal::options::JournalOptions;
use lsm_core::options::durability::{Durability, IfMissing};
use lsm_core::options::log_mode::LogMode;

use crate::machine::kit::{MODES, Medium, TempDir, again, open, options, role};

/// Every name in a directory with what it holds; pipes and links are not followed.
fn contents(dir: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let read = |entry: fs::DirEntry| {
        let kind = entry.file_type().unwrap();
        let bytes = if kind.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
        assert!(kind.is_file() || kind.is_fifo() || kind.is_symlink());
        (entry.file_name(), bytes)
    };
    entries.map(read).collect()
}

/// The error of opening, within ten seconds.
fn refusal(path: &Path) -> Error {
    let (done, answer) = mpsc::channel();
    let path = path.to_path_buf();
    std::thread::spawn(move || done.send(open(&path, options(LogMode::Write)).map(drop)));
    let result = answer.recv_timeout(Duration::from_secs(10)).expect("opening does not block");
    result.expect_err("this must be refused")
}

fn make_pipe(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path ends in a zero byte.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

fn make_db(path: &Path) {
    let (journal, ..) = open(path, options(LogMode::Write)).unwrap();
    journal.append(b"kept", 1, Durability::Durable).unwrap();
    journal.close().unwrap();
}

#[test]
fn a_directory_behind_a_link_is_refused() {
    let dir = TempDir::new();
    make_db(&dir.db());
    let before = contents(&dir.db());
    let link = dir.path().join("link");
    symlink(dir.db(), &link).unwrap();
    let with_slash = dir.path().join("link/");
    let dangling = dir.path().join("dangling");
    symlink(dir.path().join("nowhere"), &dangling).unwrap();
    for path in [&link, &with_slash, &dangling] {
        let error = refusal(path);
        assert_eq!(error.kind(), ErrorKind::Format, "{error:?}");
        assert!(error.to_string().contains("link"), "{error}");
    }
    assert_eq!(contents(&dir.db()), before);
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_file_or_a_pipe_in_the_place_of_the_directory_is_refused() {
    let dir = TempDir::new();
    let (file, pipe) = (dir.path().join("file"), dir.path().join("pipe"));
    fs::write(&file, "text").unwrap();
    make_pipe(&pipe);
    for path in [&file, &pipe] {
        let error = refusal(path);
        assert_eq!(error.kind(), ErrorKind::Format, "{error:?}");
        assert_eq!(error.path(), Some(path.as_path()));
    }
    assert_eq!(fs::read(&file).unwrap(), b"text");
}

#[test]
fn a_pipe_or_a_link_with_a_name_of_ours_is_refused_without_blocking() {
    for name in ["000001.wal", "000009.wal", "db.lock", "a.head", "000001.manifest", "a.tmp"] {
        for is_db in [false, true] {
            let dir = TempDir::new();
            if is_db {
                make_db(&dir.db())
            } else {
                fs::create_dir(dir.db()).unwrap()
            }
            let place = dir.db().join(name);
            let _none = fs::remove_file(&place);
            make_pipe(&place);
            let before = contents(&dir.db());
            let error = refusal(&dir.db());
            assert_eq!(error.kind(), ErrorKind::Format, "{name}: {error:?}");
            assert_eq!(error.path(), Some(place.as_path()));
            fs::remove_file(&place).unwrap();
            symlink("/dev/null", &place).unwrap();
            assert_eq!(refusal(&dir.db()).kind(), ErrorKind::Format, "a link as {name}");
            assert_eq!(contents(&dir.db()).len(), before.len());
        }
    }
}

#[test]
fn a_directory_that_is_not_ours_is_left_alone() {
    let dir = TempDir::new();
    fs::create_dir(dir.db()).unwrap();
    fs::write(dir.db().join("letter.txt"), "dear").unwrap();
    let before = contents(&dir.db());
    let error = refusal(&dir.db());
    assert_eq!(error.kind(), ErrorKind::Format, "{error:?}");
    assert_eq!(contents(&dir.db()), before);
    let fail = JournalOptions { if_missing: IfMissing::Fail, ..options(LogMode::Write) };
    let nowhere = dir.path().join("no/where");
    assert_eq!(open(&nowhere, fail).map(drop).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(!dir.path().join("no").exists());
}

#[test]
fn files_that_a_killed_process_made_and_never_wrote_are_cleared_away() {
    let dir = TempDir::new();
    fs::create_dir(dir.db()).unwrap();
    let empty = ["000001.manifest", "000070.wal", "000071.manifest"];
    for (round, names) in [&empty[..1], &empty[1..]].into_iter().enumerate() {
        for name in names {
            fs::write(dir.db().join(name), "").unwrap();
        }
        let (journal, report, _) = open(&dir.db(), options(LogMode::Write)).unwrap();
        assert_eq!((report.is_new, report.unknown.is_empty()), (round == 0, true), "{report:?}");
        assert!(names.iter().all(|name| !dir.db().join(name).exists()));
        journal.append(b"x", 1, Durability::Durable).unwrap();
        journal.close().unwrap();
    }
}

#[test]
fn a_lock_held_by_this_process_says_so() {
    let dir = TempDir::new();
    let (journal, ..) = open(&dir.db(), options(LogMode::Mapped)).unwrap();
    let before = contents(&dir.db());
    let error = refusal(&dir.db());
    assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
    assert!(error.to_string().contains("this process"), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    assert_eq!(contents(&dir.db()), before);
    journal.append(b"x", 1, Durability::Durable).unwrap();
    journal.close().unwrap();
    make_db(&dir.db());
}

#[test]
#[ignore = "the other process of this story"]
fn child() {
    let Some(role) = role() else { return };
    let _journal = open(Path::new(&role[0]), options(LogMode::Write)).unwrap();
    println!("\n@open");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_lock_held_by_another_process_names_it_and_ends_with_it() {
    let dir = TempDir::new();
    let mut child = again(module_path!(), &[dir.db().to_str().unwrap()]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().expect("the process opens it").unwrap() != "@open" {}
    let before = contents(&dir.db());
    let error = refusal(&dir.db());
    assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
    assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");
    assert!(!error.to_string().contains("this process"), "{error}");
    assert!(error.is_retryable());
    assert_eq!(contents(&dir.db()), before);
    child.kill().unwrap();
    child.wait().unwrap();
    make_db(&dir.db());
}

/// Runs `body` in a forked child; answers its exit code.
fn in_fork(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child calls `body` and ends: it returns to nothing of the test program's.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let code = body();
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: the child is ours and has not been waited for.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } != child {}
    assert!(libc::WIFEXITED(status), "the child died of signal {}", libc::WTERMSIG(status));
    libc::WEXITSTATUS(status)
}

#[test]
fn a_forked_child_is_refused_and_does_not_disturb_the_parent() {
    for mode in MODES {
        let dir = TempDir::new();
        let (journal, ..) = open(&dir.db(), options(mode)).unwrap();
        let mut journal = Some(journal);
        journal.as_ref().unwrap().append(b"parent 1", 1, Durability::Durable).unwrap();
        let code = in_fork(|| {
            let Some(journal) = journal.take() else { return 1 };
            let is_forked =
                |error: Option<Error>| error.map(|e| e.kind()) == Some(ErrorKind::Forked);
            for durability in [Durability::Buffered, Durability::Durable, Durability::Volatile] {
                if !is_forked(journal.append(b"child", 1, durability).err()) {
                    return 2;
                }
            }
            if !is_forked(journal.sync().err())
                || !is_forked(journal.create_keyspace("c", "").err())
            {
                return 3;
            }
            drop(journal);
            0
        });
        assert_eq!(code, 0);
        assert_eq!(refusal(&dir.db()).kind(), ErrorKind::Locked, "the lock is still the parent's");
        let journal = journal.unwrap();
        journal.append(b"parent 2", 1, Durability::Durable).unwrap();
        journal.close().unwrap();
        let (journal, report, batches) = open(&dir.db(), options(mode)).unwrap();
        assert!(report.was_clean);
        let found: Vec<&[u8]> = batches.iter().map(|batch| batch.payload.as_slice()).collect();
        assert_eq!(found, [b"parent 1", b"parent 2"]);
        journal.close().unwrap();
    }
}

#[test]
fn a_read_only_medium_is_refused() {
    let dir = TempDir::new();
    let Some(medium) = Medium::of_bytes(dir.path(), 16 << 20) else {
        println!("No read-only medium was tried: this process may not mount one.");
        return;
    };
    make_db(&medium.path().join("db"));
    assert!(medium.becomes_read_only());
    let existing = refusal(&medium.path().join("db"));
    let missing = refusal(&medium.path().join("new"));
    drop(medium);
    assert_eq!(existing.kind(), ErrorKind::ReadOnly, "{existing:?}");
    assert_eq!(missing.kind(), ErrorKind::ReadOnly, "{missing:?}");
    assert!(existing.path().is_some() && missing.path().is_some());
}
