//! A slot while it is held: what it says, and for how long.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::env::fs::Directory;
use crate::env::sim::disk::SimDisk;
use crate::env::sim::world::SimWorld;
use crate::journal::lockfile::{readers, take};
use crate::journal::readers::{Pulse, Slot};

const LEASE: Duration = Duration::from_secs(8);

#[test]
fn what_takes_longer_than_the_lease_keeps_it_all_the_same() {
    let world = SimWorld::from_disk(SimDisk::new(), 1);
    let env = world.env();
    env.fs.create_dir(Path::new("/db")).unwrap();
    let dir = env.fs.open_dir(Path::new("/db")).unwrap();
    drop(take(dir.as_ref(), true).unwrap());
    let slot = Arc::new(Slot::take(&env, &dir, LEASE).unwrap());
    let said = |dir: &dyn Directory| readers(dir).unwrap()[0];
    let left = || said(dir.as_ref()).lease_millis - env.clock.machine_millis();
    let mut pulse = Pulse::new(Some(slot.clone()));
    assert_eq!((said(dir.as_ref()).edit, left()), (0, 8000));
    slot.need(7, 9).unwrap();
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(1));
        (0..300).for_each(|_| pulse.beat());
        assert!(left() > 5000, "{}", left());
    }
    let reader = said(dir.as_ref());
    assert_eq!((reader.edit, reader.seqno), (7, 9), "the same as before");
    // Nothing is asked where there is no slot.
    (0..300).for_each(|_| Pulse::new(None).beat());
}
