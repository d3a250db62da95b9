//! A file and its naive twin take the same random changes.

use super::super::content::Content;
use super::super::inode::{Change, Inode, SECTOR};
use super::super::rng::Rng;

/// What a file is without sharing, pages or pending changes.
#[derive(Default)]
struct Twin {
    durable: Vec<u8>,
    cache: Vec<u8>,
}

impl Twin {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.cache.resize(self.cache.len().max(end), 0);
        self.cache[offset..end].copy_from_slice(bytes);
    }

    /// Only for files whose length is durable.
    fn sync_range(&mut self, from: usize, len: usize) {
        let sector = SECTOR as usize;
        let to = (from + len).div_ceil(sector) * sector;
        let (from, to) = (from / sector * sector, to.min(self.durable.len()));
        if from < to {
            self.durable[from..to].copy_from_slice(&self.cache[from..to]);
        }
    }
}

fn replayed(inode: &Inode) -> Vec<u8> {
    let mut content = Content::clone(&inode.durable);
    inode.pending.iter().for_each(|pending| pending.change.apply(&mut content));
    content.bytes()
}

fn one_step(rng: &mut Rng, order: u64, inode: &mut Inode, twin: &mut Twin) {
    let (offset, len) = (rng.below(9000), rng.below(3000));
    match rng.below(10) {
        0 => {
            inode.change(order, Change::SetLen(offset));
            twin.cache.resize(offset as usize, 0);
        }
        1 => {
            inode.change(order, Change::Allocate(offset));
            twin.cache.resize(twin.cache.len().max(offset as usize), 0);
        }
        2 => {
            inode.sync();
            twin.durable.clone_from(&twin.cache);
        }
        3..=5 => {
            // A part is synced only of files whose length is durable.
            if inode.pending.iter().any(|pending| matches!(pending.change, Change::SetLen(_))) {
                inode.sync();
                twin.durable.clone_from(&twin.cache);
            }
            inode.sync_range(offset, len);
            twin.sync_range(offset as usize, len as usize);
        }
        _ => {
            let mut bytes = vec![0; len as usize];
            rng.garbage(&mut bytes);
            if !bytes.is_empty() {
                twin.write(offset as usize, &bytes);
                inode.change(order, Change::Write { offset, bytes: bytes.into() });
            }
        }
    }
}

#[test]
fn a_file_is_what_its_twin_is() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let (mut inode, mut twin) = (Inode::default(), Twin::default());
        for order in 0..40 {
            one_step(&mut rng, order, &mut inode, &mut twin);
            assert_eq!(inode.cache.bytes(), twin.cache, "{seed} {order}");
            assert_eq!(inode.durable.bytes(), twin.durable, "{seed} {order}");
            assert_eq!(replayed(&inode), twin.cache, "{seed} {order}");
        }
    }
}
