//! Mapped windows, and files that are cut under them.

#![allow(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use super::*;
use crate::base::sync::Mutex;
use crate::env::fs::{Access, Directory, File, read_full_at};
use crate::env::os::fs as os_fs;
use crate::env::os::testing::{Child, MAPPING, TempDir};

const LEN: u64 = 16 * 4096;

struct Mapped {
    temp: TempDir,
    file: Arc<dyn File>,
    window: Box<dyn Window>,
}

fn mapped(offset: u64) -> Mapped {
    let temp = TempDir::new();
    let file = os_fs::open(temp.path()).unwrap().create("log").unwrap();
    if file.allocate(offset + LEN).is_err() {
        file.set_len(offset + LEN).unwrap();
    }
    let window = file.map(offset, LEN).unwrap();
    Mapped { temp, file, window }
}

impl Mapped {
    /// Cuts the file through another descriptor, as another program would.
    fn cut(&self, len: u64) {
        let dir = os_fs::open(self.temp.path()).unwrap();
        dir.open("log", Access::ReadWrite).unwrap().set_len(len).unwrap();
    }

    fn read(&self, at: u64, len: usize) -> Vec<u8> {
        let mut buffer = vec![0; len];
        let read = read_full_at(&*self.file, &mut buffer, at).unwrap();
        buffer.truncate(read);
        buffer
    }
}

#[test]
fn what_is_published_is_read_and_stays() {
    let _alone = MAPPING.lock();
    let log = mapped(8192);
    assert_eq!((log.window.offset(), log.window.len()), (8192, LEN));
    log.window.populate(8192, LEN).unwrap();
    assert!(log.window.publish(8192, b"headhead", b"body"));
    assert!(log.window.publish(8192 + 16, b"four", b""));
    assert!(log.window.publish(8192 + LEN - 8, b"12345", b"678"));
    assert_eq!(log.read(8192, 20), b"headheadbody\0\0\0\0four");
    assert_eq!(log.read(8192 + LEN - 8, 8), b"12345678");
    log.window.sync(8192, LEN).unwrap();
    log.window.sync(8192 + 5, 3).unwrap();
    assert!(!log.window.is_lost());
    log.window.release(8192, LEN);
    assert_eq!(log.read(8192, 4), b"head");
    assert!(log.window.publish(8192 + 4096, b"late", b"r"));
    assert_eq!(log.read(8192 + 4096, 5), b"later");
    let Mapped { temp, window, .. } = log;
    assert!(format!("{window:?}").contains("is_lost: false"));
    drop(window);
    let reopened = os_fs::open(temp.path()).unwrap().open("log", Access::Read).unwrap();
    let mut buffer = [0; 12];
    assert_eq!(read_full_at(&*reopened, &mut buffer, 8192).unwrap(), 12);
    assert_eq!(&buffer, b"headheadbody");
}

#[test]
fn nothing_is_stored_out_of_bounds() {
    let _alone = MAPPING.lock();
    let log = mapped(4096);
    let end = 4096 + LEN;
    for (at, head, body) in [
        (0, &b"head"[..], &b""[..]),
        (4088, b"head", b"12345678"),
        (end - 8, b"head", b"12345"),
        (end, b"head", b""),
        (u64::MAX - 7, b"head", b""),
        (4097, b"head", b""),
        (4100, b"head", b""),
        (4096, b"hea", b"body"),
        (4096, b"", b""),
    ] {
        assert!(!log.window.publish(at, head, body), "{at} {head:?} {body:?}");
    }
    let big = vec![1; LEN as usize + 1];
    assert!(!log.window.publish(4096, b"head", &big));
    assert!(!log.window.publish(4096, &big, b""));
    assert_eq!(log.read(0, end as usize), vec![0; end as usize]);
    assert!(log.window.publish(4096, &big[..4], &big[..LEN as usize - 4]));
    for (at, len) in
        [(0, 1), (4095, 2), (end - 1, 2), (end + 1, 0), (u64::MAX, 2), (4096, u64::MAX)]
    {
        for result in [log.window.populate(at, len), log.window.sync(at, len)] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArgument, "{at} {len}");
        }
        log.window.release(at, len);
    }
    assert!(!log.window.is_lost());
}

#[test]
fn only_whole_pages_of_the_file_are_mapped() {
    let _alone = MAPPING.lock();
    let log = mapped(0);
    for (offset, len) in [(0, 0), (1, 4096), (0, 4095), (0, LEN + 4096), (LEN, 4096), (!4095, 8192)]
    {
        let error = log.file.map(offset, len).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{offset} {len}");
    }
    let dir = os_fs::open(log.temp.path()).unwrap();
    assert!(dir.open("log", Access::Read).unwrap().map(0, 4096).is_err());
}

#[test]
fn a_store_beyond_a_cut_loses_the_window_and_not_the_process() {
    let _alone = MAPPING.lock();
    let (log, other) = (mapped(0), mapped(0));
    log.window.populate(0, LEN).unwrap();
    assert!(log.window.publish(0, b"head", b"kept"));
    log.cut(4096);
    assert!(!log.window.is_lost(), "nobody has looked");
    assert!(log.window.publish(4096 * 2 - 8, b"head", &[7; 3 * 4096]));
    assert!(log.window.is_lost());
    assert!(other.window.publish(4096, b"head", b""));
    assert!(!other.window.is_lost());
    assert_eq!(log.window.sync(0, LEN).unwrap_err().kind(), ErrorKind::Io);
    assert!(log.window.is_lost());
    assert_eq!(log.read(0, 8), b"headkept");
    assert_eq!(log.file.len().unwrap(), 4096);
    assert!(log.window.publish(4096, b"head", b""), "and again");
    log.cut(LEN);
    assert!(log.window.is_lost(), "once lost, always lost");
}

#[test]
fn a_cut_after_the_last_store_is_found_by_the_sync() {
    let _alone = MAPPING.lock();
    let log = mapped(0);
    log.window.populate(0, LEN).unwrap();
    assert!(log.window.publish(4096, b"head", b"body"));
    log.window.sync(0, LEN).unwrap();
    log.cut(0);
    assert!(!log.window.is_lost());
    assert!(log.window.sync(4096, 8).is_err());
    assert!(log.window.is_lost());
}

#[test]
fn populating_beyond_a_cut_is_an_error_and_no_signal() {
    let _alone = MAPPING.lock();
    let log = mapped(0);
    log.cut(4096);
    log.window.populate(0, 4096).unwrap();
    assert!(log.window.populate(4096, 4096).is_err());
    assert!(log.window.is_lost());
}

#[test]
fn slots_are_used_again_and_run_out_politely() {
    let _alone = MAPPING.lock();
    let log = mapped(0);
    for round in 0..3 {
        let mut windows = Vec::new();
        let error = loop {
            match log.file.map(0, 4096) {
                Ok(window) => windows.push(window),
                Err(error) => break error,
            }
            assert!(windows.len() < 1000);
        };
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(windows.len(), 255, "round {round}");
        assert!(windows.iter().all(|window| !window.is_lost()));
    }
}

#[test]
fn a_child_has_no_window() {
    let _alone = MAPPING.lock();
    let log = mapped(0);
    assert!(log.window.publish(0, b"head", b"body"));
    let window = &log.window;
    let child = Child::fork(|| {
        let is_right = !window.publish(8, b"evil", b"") && window.is_lost();
        let kind = window.sync(0, 8).map_err(|error| error.kind());
        // Dropped there, it unmaps nothing: what has its place by then is the child's.
        // SAFETY: the box holds an `OsWindow`, which lives on in the parent's memory.
        let start = unsafe { (*(&raw const **window).cast::<OsWindow>()).memory.start };
        let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let place = start.as_ptr();
        // SAFETY: the call changes no byte, and the range need not be mapped.
        if unsafe { libc::msync(place.cast(), 4096, libc::MS_ASYNC) } == 0 {
            return 2;
        }
        // SAFETY: the place is free, as was just seen.
        unsafe { libc::mmap(place.cast(), 4096, access, flags, -1, 0) };
        // SAFETY: it is dropped once here, in the child, which never drops the one it came from.
        drop(unsafe { std::ptr::read(window) });
        // SAFETY: a page was just mapped here; that the drop left it alone is the test.
        unsafe { place.write(1) };
        i32::from(is_right && kind == Err(ErrorKind::Forked))
    });
    assert_eq!(child.wait(), 1);
    assert!(log.window.publish(8, b"more", b""));
    assert!(!log.window.is_lost());
    assert_eq!(log.read(0, 12), b"headbodymore");
}

#[test]
fn a_second_who_stores_meanwhile_is_turned_away() {
    let _alone = MAPPING.lock();
    let log = mapped(0);
    let path = log.temp.join("log");
    let file = fs::File::options().read(true).write(true).open(&path).unwrap();
    let window = OsWindow::map(Arc::new(file), &path, 0, 4096).unwrap();
    window.is_storing.store(true, Ordering::SeqCst);
    assert!(!window.publish(0, b"head", b""));
    assert!(!window.publish(0, b"head", b""), "and leaves the first one's flag alone");
    window.is_storing.store(false, Ordering::SeqCst);
    assert!(window.publish(0, b"head", b""));
    assert!(window.publish(8, b"head", b""));
}

#[test]
fn two_who_store_at_once_do_not_mix() {
    let _alone = MAPPING.lock();
    let log = mapped(0);
    let stored = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            let (window, stored) = (&log.window, &stored);
            scope.spawn(move || {
                for record in 0..512 {
                    let at = (record * 2 + thread) * 64;
                    let body = [thread as u8 + 1; 60];
                    if window.publish(at, &body[..4], &body[..56]) {
                        stored.lock().push((at, thread as u8 + 1));
                    }
                }
            });
        }
    });
    let stored = stored.into_inner();
    assert!(!stored.is_empty());
    for (at, byte) in stored {
        assert_eq!(log.read(at, 60), vec![byte; 60]);
    }
}
