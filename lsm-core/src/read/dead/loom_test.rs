//! Scans that leave out what is known to be dead, beside a writer who puts something there.
//!
//! Real are the stretches; modelled after `Engine` are the commit lock, the order of steps in
//! `write` and `scan`, and one key in the place of all entries.

use std::sync::Arc;

use super::*;
use crate::base::sync::AtomicU64;
use crate::base::sync::model::{Bound, finds, holds, spawn};

const START: &[u8] = b"\0\0\0\x01a";
const KEY: &[u8] = b"\0\0\0\x01k";
const END: &[u8] = b"\0\0\0\x01z";

/// A step that is taken in the wrong place.
#[derive(Clone, Copy, PartialEq)]
enum Slip {
    None,
    /// Readers see a put before its key is cut out.
    ShownFirst,
    /// The watch begins without the commit lock.
    WatchedUnlocked,
    /// A scan from before the watch is believed.
    OldScanBelieved,
}

struct Ground {
    ranges: Arc<DeadRanges>,
    commit: Mutex<()>,
    visible: AtomicU64,
    /// The number of the newest entry of the one key, which is a put if it is even.
    newest: AtomicU64,
    slip: Slip,
}

fn number(number: u64) -> SeqNo {
    SeqNo::new(number).unwrap()
}

fn as_of(seqno: u64) -> AsOf {
    AsOf { seqno: number(seqno), millis: 0, sifted: 0 }
}

impl Ground {
    fn new(slip: Slip) -> Arc<Self> {
        Arc::new(Self {
            ranges: DeadRanges::new(&Budget::new(1 << 20)),
            commit: Mutex::new(()),
            visible: AtomicU64::new(1),
            newest: AtomicU64::new(1),
            slip,
        })
    }

    fn put(&self) {
        let _commit = self.commit.lock();
        let seqno = self.visible.load(Ordering::Relaxed) + 1;
        self.newest.store(seqno, Ordering::Release);
        if self.slip == Slip::ShownFirst {
            self.visible.store(seqno, Ordering::Release);
        }
        if self.ranges.is_watching() {
            self.ranges.cut_out(std::iter::once(KEY));
        }
        self.visible.store(seqno, Ordering::Release);
    }

    /// A scan of everything.
    fn scan(&self) {
        if self.ranges.is_wanted() {
            let commit = self.commit.try_lock();
            if commit.is_some() || self.slip == Slip::WatchedUnlocked {
                self.ranges.watch(number(self.visible.load(Ordering::Acquire)));
            }
        }
        let seqno = self.visible.load(Ordering::Acquire);
        let (newest, mut out) = (self.newest.load(Ordering::Acquire), Vec::new());
        let is_alive = newest % 2 == 0 && newest <= seqno;
        let leaps = self.ranges.is_watching()
            && self.ranges.leap(KEY, as_of(seqno), Way::Forward, &mut out);
        assert!(!leaps || !is_alive, "a scan at {seqno} leaps over {newest}");
        if !leaps && !is_alive {
            let told = if self.slip == Slip::OldScanBelieved { 2 } else { seqno };
            let found = Found { start: START, end: END, as_of: as_of(told) };
            self.ranges.take_in(found);
        }
    }
}

fn scans_beside_a_put(slip: Slip) {
    let ground = Ground::new(slip);
    ground.scan();
    let other = {
        let ground = Arc::clone(&ground);
        spawn(move || {
            ground.scan();
            ground.scan();
        })
    };
    let writer = {
        let ground = Arc::clone(&ground);
        spawn(move || ground.put())
    };
    ground.scan();
    writer.join().unwrap();
    other.join().unwrap();
    ground.scan();
}

const BOUND: Bound = Bound { preemptions: 2, seconds: 10 };
const FIND: Bound = Bound { preemptions: 2, seconds: 20 };

#[test]
fn no_scan_leaps_over_a_put() {
    holds("dead ranges", BOUND, || scans_beside_a_put(Slip::None));
    finds("dead ranges, shown first", FIND, None, || scans_beside_a_put(Slip::ShownFirst));
    finds("dead ranges, no lock", FIND, None, || scans_beside_a_put(Slip::WatchedUnlocked));
    finds("dead ranges, old scan", FIND, None, || scans_beside_a_put(Slip::OldScanBelieved));
}
