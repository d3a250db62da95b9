//! What is put in arrives in order or not at all, and nothing is written behind anybody's back.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::env::fs::{FileSystem, write_all_at};
use crate::env::sim::world::SimWorld;

const PATH: &str = "/d/f";
const START: &[u8] = b"before";

fn outlet(world: &SimWorld) -> Outlet {
    outlet_of(world, Some(world.env().scheduler))
}

fn outlet_of(world: &SimWorld, scheduler: Option<Arc<dyn Scheduler>>) -> Outlet {
    world.disk.plant("/d/other", b"").unwrap();
    let dir = world.disk.open_dir(Path::new("/d")).unwrap();
    let file = dir.create("f").unwrap();
    dir.sync().unwrap();
    write_all_at(file.as_ref(), START, 0).unwrap();
    let mut crc = FileCrc::new();
    crc.update(START);
    Outlet::open(scheduler, file, (START.len() as u64, crc)).unwrap()
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * at / 7) as u8).collect()
}

#[test]
fn everything_arrives_in_order_is_counted_and_synced() {
    for has_job in [true, false] {
        let world = SimWorld::new(1);
        let mut outlet = outlet_of(&world, has_job.then(|| world.env().scheduler));
        let mut all = START.to_vec();
        for len in [1, 31, 0, BUFFER_BYTES, 5 * BUFFER_BYTES + 9, 77] {
            outlet.put(&bytes(len)).unwrap();
            all.extend(bytes(len));
        }
        let mut crc = FileCrc::new();
        crc.update(&all);
        assert_eq!(outlet.finish().unwrap(), crc.finish());
        assert!(world.disk.contents(PATH).unwrap() == all && world.disk.is_durable(PATH));
        assert_eq!(world.scheduler.job_count(), 0);
    }
}

#[test]
fn few_buffers_are_on_their_way() {
    let world = SimWorld::new(2);
    let mut outlet = outlet(&world);
    for written in 0..40 {
        outlet.put(&bytes(BUFFER_BYTES)).unwrap();
        let len = world.disk.contents(PATH).unwrap().len() - START.len();
        assert!(len + (BUFFERS + 1) * BUFFER_BYTES >= written * BUFFER_BYTES);
    }
}

#[test]
fn an_error_is_told_and_ends_it() {
    for (fault, filled) in [("write(f)#1:enospc", 20), ("sync_data(f)#1:eio-drop", 2)] {
        let world = SimWorld::new(3);
        let mut outlet = outlet(&world);
        world.disk.inject(fault.parse().unwrap());
        let filled = (0..filled).try_for_each(|_| outlet.put(&bytes(BUFFER_BYTES)));
        let told = filled.err().or_else(|| outlet.finish().err()).unwrap();
        let kinds = [ErrorKind::NoSpace, ErrorKind::Io];
        assert!(kinds.contains(&told.kind()), "{fault}: {told}");
        assert_eq!(world.scheduler.job_count(), 0, "{fault}");
    }
}

#[test]
fn one_that_is_let_go_of_writes_no_more() {
    for full in 0..2 * BUFFERS {
        let world = SimWorld::new(full as u64);
        let mut outlet = outlet(&world);
        outlet.put(&bytes(full * BUFFER_BYTES + 1)).unwrap();
        drop(outlet);
        assert_eq!(world.scheduler.job_count(), 0);
        let before = world.disk.op_count();
        world.scheduler.run_until_idle();
        assert!(world.disk.op_count() == before && !world.disk.is_durable(PATH));
    }
}

#[test]
fn a_job_that_dies_is_an_error() {
    let world = SimWorld::new(5);
    let mut outlet = outlet(&world);
    outlet.put(b"some").unwrap();
    world.scheduler.kill();
    assert_eq!(outlet.finish().unwrap_err().kind(), ErrorKind::Internal);
}
