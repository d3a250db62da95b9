//! A thread that ends calls the library from the destructors of what it had, after the library's
//! own are through.

use std::cell::RefCell;
use std::sync::mpsc::{Sender, channel};

use lsm_core::api::db::Db;
use lsm_core::api::read::Read;
use lsm_core::options::database::Options;

use crate::machine::kit::TempDir;

/// What is called when the thread ends, and whom that is told.
struct Last {
    call: Box<dyn FnMut() -> String>,
    told: Sender<String>,
}

impl Drop for Last {
    fn drop(&mut self) {
        self.told.send((self.call)()).unwrap();
    }
}

std::thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Calls in a thread: once while it lives, and again when it ends.
fn call_twice(mut call: impl FnMut() -> String + Send + 'static) -> [String; 2] {
    let (told, said) = channel();
    let thread = std::thread::spawn(move || {
        // What comes into being later goes sooner: this goes last.
        LAST.with_borrow_mut(|last| *last = None);
        let first = call();
        LAST.with_borrow_mut(|last| *last = Some(Last { call: Box::new(call), told }));
        first
    });
    let first = thread.join().unwrap();
    [first, said.recv().unwrap()]
}

#[test]
fn a_thread_that_ends_writes_and_reads_as_before() {
    let dir = TempDir::new();
    let options = Options::new().memory_limit(16 << 20);
    let db = Db::builder(dir.db()).options(options).open().unwrap();
    for at in 0..20_000_u32 {
        db.put(at.to_be_bytes(), [7; 100]).unwrap();
    }
    db.compact(..).unwrap();
    let (writer, reader) = (db.clone(), db.clone());
    let mut writes = 0_u32;
    let wrote = call_twice(move || {
        writes += 1;
        writer.put([9; 9], writes.to_be_bytes()).map_or_else(|e| e.to_string(), |_| "put".into())
    });
    assert_eq!(wrote, ["put", "put"]);
    assert_eq!(db.get([9; 9]).unwrap().unwrap(), 2_u32.to_be_bytes());
    // Each read is of another block, which is not in the cache.
    let mut reads = 0_u32;
    let read = call_twice(move || {
        reads += 1;
        format!("{:?}", reader.get((reads * 5000).to_be_bytes()).map(|value| value.unwrap().len()))
    });
    assert_eq!(read, ["Ok(100)", "Ok(100)"]);
}
