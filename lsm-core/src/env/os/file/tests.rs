//! Reading, writing, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::*;
use crate::env::fs::{DIRECT_GRAIN, Directory};
use crate::env::fs::{read_full_at, write_all_at, write_all_past_cache};
use crate::env::os::fs as os_fs;
use crate::env::os::testing::TempDir;

#[test]
fn bytes_come_back() {
    let temp = TempDir::new();
    let dir = os_fs::open(temp.path()).unwrap();
    let file = dir.create("a").unwrap();
    let mode = fs::metadata(temp.join("a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    write_all_at(&*file, b"hello world", 3).unwrap();
    assert_eq!(file.len().unwrap(), 14);
    let mut buffer = [9; 32];
    assert_eq!(read_full_at(&*file, &mut buffer, 0).unwrap(), 14);
    assert_eq!(&buffer[..14], b"\0\0\0hello world");
    assert_eq!(file.read_at(&mut buffer, 14).unwrap(), 0);
    assert_eq!(file.read_at(&mut buffer, 1 << 40).unwrap(), 0);
    file.set_len(5).unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    assert_eq!(dir.open("a", Access::Read).unwrap().len().unwrap(), 5);
}

#[test]
fn a_reader_cannot_write() {
    let temp = TempDir::new();
    let dir = os_fs::open(temp.path()).unwrap();
    dir.create("a").unwrap();
    let reader = dir.open("a", Access::Read).unwrap();
    let error = reader.write_at(b"x", 7).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Io, Some(7)));
    assert_eq!(error.path(), Some(temp.join("a").as_path()));
    dir.open("a", Access::ReadWrite).unwrap().write_at(b"x", 7).unwrap();
}

#[test]
fn offsets_do_not_wrap() {
    let temp = TempDir::new();
    let file = os_fs::open(temp.path()).unwrap().create("a").unwrap();
    for offset in [u64::MAX, i64::MAX as u64, 1 << 63] {
        let kind = |result: Result<usize>| result.unwrap_err().kind();
        assert_eq!(kind(file.read_at(&mut [0; 2], offset)), ErrorKind::InvalidArgument);
        assert_eq!(kind(file.write_at(&[0; 2], offset)), ErrorKind::InvalidArgument);
    }
    assert_eq!(file.set_len(u64::MAX).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(file.allocate(u64::MAX).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn space_is_reserved_and_reads_as_zeros() {
    let temp = TempDir::new();
    let file = os_fs::open(temp.path()).unwrap().create("a").unwrap();
    file.allocate(0).unwrap();
    match file.allocate(1 << 20) {
        Ok(()) => {
            assert_eq!(file.len().unwrap(), 1 << 20);
            assert!(fs::metadata(temp.join("a")).unwrap().blocks() >= 2048);
            file.allocate(4096).unwrap();
            assert_eq!(file.len().unwrap(), 1 << 20, "never shorter");
            let mut buffer = [7; 64];
            assert_eq!(file.read_at(&mut buffer, 4096).unwrap(), 64);
            assert_eq!(buffer, [0; 64]);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported),
    }
}

#[test]
fn what_is_said_to_be_unwritten_reads_as_zeros() {
    let temp = TempDir::new();
    let file = os_fs::open(temp.path()).unwrap().create("a").unwrap();
    assert_eq!(file.written_len().unwrap(), 0);
    for at in [0, 5000, 1 << 20, 3 << 20] {
        write_all_at(file.as_ref(), b"far", at).unwrap();
        let _not_everywhere = file.allocate(at + (2 << 20));
        let (written, len) = (file.written_len().unwrap(), file.len().unwrap());
        assert!((at + 3..=len).contains(&written));
        let mut rest = vec![1; (len - written) as usize];
        read_full_at(file.as_ref(), &mut rest, written).unwrap();
        assert!(rest.iter().all(|&byte| byte == 0));
    }
}

#[test]
fn what_passes_by_the_page_cache_comes_back_too() {
    let temp = TempDir::new();
    let dir = os_fs::open(temp.path()).unwrap();
    let bytes: Vec<u8> = (0..600_000_u64).map(|at| (at * at / 128) as u8).collect();
    let grain = bytes.as_ptr().align_offset(DIRECT_GRAIN);
    for (number, (skipped, offset)) in
        [(0, 0), (0, 4096), (128, 128), (128, 8320), (4095, 4095), (1, 0), (0, 1)]
            .iter()
            .enumerate()
    {
        let name = format!("{number}");
        let file = dir.create(&name).unwrap();
        write_all_at(&*file, &[7; 9000], 0).unwrap();
        for len in [0, 9, 5000, 70_000, 131_072, 500_009] {
            let part = &bytes[grain + skipped..][..len];
            write_all_past_cache(&*file, part, *offset).unwrap();
            file.sync_data().unwrap();
            let mut buffer = vec![0; *offset as usize + len];
            assert_eq!(read_full_at(&*file, &mut buffer, 0).unwrap(), buffer.len());
            let (before, written) = buffer.split_at(*offset as usize);
            assert!(written == part && before.iter().all(|&byte| byte == 7), "{number}, {len}");
        }
        assert_eq!(file.len().unwrap(), offset + 500_009);
        // What comes then goes the usual way again.
        file.write_at(b"odd", 3).unwrap();
    }
    let reader = dir.open("0", Access::Read).unwrap();
    assert_eq!(reader.write_past_cache(&bytes, 0).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
#[cfg(target_os = "linux")]
fn only_whole_grains_pass_by_the_page_cache() {
    let memory = vec![0; DIRECT_MIN + 4 * DIRECT_GRAIN];
    let bytes = &memory[memory.as_ptr().align_offset(DIRECT_GRAIN)..][..DIRECT_MIN + 5000];
    let piece = |from: usize, offset| {
        let (piece, is_direct) = next_piece(&bytes[from..], offset);
        (piece.len(), is_direct)
    };
    assert_eq!(piece(0, 0), (DIRECT_MIN + DIRECT_GRAIN, true));
    assert_eq!(piece(100, 100), (DIRECT_GRAIN - 100, false));
    assert_eq!(piece(100, 0), (bytes.len() - 100, false));
    assert_eq!(piece(0, 100), (bytes.len(), false));
    assert_eq!(piece(DIRECT_MIN, 1 << 20), (5000, false));
    assert_eq!(piece(bytes.len(), 0), (0, false));
}

#[test]
fn only_regular_files_open_and_nothing_blocks() {
    let temp = TempDir::new();
    let dir = os_fs::open(temp.path()).unwrap();
    dir.create("file").unwrap();
    symlink("file", temp.join("link")).unwrap();
    symlink("/nowhere", temp.join("dangling")).unwrap();
    fs::create_dir(temp.join("dir")).unwrap();
    temp.make_pipe("pipe");
    let _socket = UnixListener::bind(temp.join("socket")).unwrap();
    for (name, noun) in [
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("dir", "a directory"),
        ("pipe", "a pipe"),
        ("socket", "a socket"),
    ] {
        for access in [Access::Read, Access::ReadWrite] {
            let error = dir.open(name, access).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Format, "{name}: {error}");
            assert!(error.to_string().contains(noun), "{name}: {error}");
        }
        assert_eq!(dir.lock(name).unwrap_err().kind(), ErrorKind::Format, "{name}");
        assert_eq!(dir.create(name).unwrap_err().kind(), ErrorKind::Exists, "{name}");
    }
    let error = os_fs::open(Path::new("/dev")).unwrap().open("null", Access::Read).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(error.to_string().contains("a device"), "{error}");
}

/// Reads and writes at most three bytes at a time, and stands still at byte 7.
#[derive(Debug)]
struct Slow(Arc<dyn File>);

impl File for Slow {
    fn path(&self) -> &Path {
        self.0.path()
    }

    fn len(&self) -> Result<u64> {
        self.0.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let len = buffer.len().min(3);
        self.0.read_at(&mut buffer[..len], offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        let len = bytes.len().min(3).min(7u64.saturating_sub(offset) as usize);
        self.0.write_at(&bytes[..len], offset)
    }

    fn allocate(&self, len: u64) -> Result<()> {
        self.0.allocate(len)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> Result<()> {
        self.0.sync_all()
    }

    fn map(&self, offset: u64, len: u64) -> Result<Box<dyn Window>> {
        self.0.map(offset, len)
    }
}

#[test]
fn short_steps_add_up_and_a_standstill_is_an_error() {
    let temp = TempDir::new();
    let file = Slow(os_fs::open(temp.path()).unwrap().create("a").unwrap());
    write_all_at(&file, b"abcdefg", 0).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(read_full_at(&file, &mut buffer, 0).unwrap(), 7);
    assert_eq!(&buffer[..7], b"abcdefg");
    let error = write_all_at(&file, b"xyzw", 5).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Io, Some(7)));
}
